"""The peer: Kannel from Debian with its file store and internal receipts, in a folder of its own, on loopback. Started with
-v 4, or it writes debug text whatever its log level says."""
import os
import signal
import socket
import time
import urllib.parse

from tools import Program, free_port

CONF = """group = core
admin-port = {admin}
admin-password = bench
admin-interface = "127.0.0.1"
smsbox-port = {box}
smsbox-interface = "127.0.0.1"
log-level = 4
dlr-storage = internal
{store}

group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
reconnect-delay = 1
max-pending-submits = 1000

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {http}
sendsms-interface = "127.0.0.1"
log-level = 4

group = sendsms-user
username = bench
password = bench
max-messages = 1
"""


class Kannel:
    def __init__(self, folder, smpp_port, hook_port=None, store='file'):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.hook = folder, hook_port
        self.http, admin, box = free_port(), free_port(), free_port()
        lines = 'store-type = file\nstore-location = "%s/store"\n' % folder if store == 'file' else ''
        self.conf = os.path.join(folder, 'kannel.conf')
        with open(self.conf, 'w') as f:
            f.write(CONF.format(admin=admin, box=box, smpp=smpp_port, http=self.http, store=lines))
        self.boxes = []

    def start(self):
        errors = os.path.join(self.folder, 'errors')
        self.boxes.append(Program(['/usr/sbin/bearerbox', '-v', '4', self.conf], cwd=self.folder, stderr=errors))
        time.sleep(1)
        self.boxes.append(Program(['/usr/sbin/smsbox', '-v', '4', self.conf], cwd=self.folder, stderr=errors))
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', self.http)) == 0:
                    break
            time.sleep(0.1)
        time.sleep(1)

    def stop(self):
        for box in reversed(self.boxes):
            box.stop(signal.SIGTERM, 20)
        self.boxes = []

    def pids(self):
        return [b.pid for b in self.boxes]

    def get(self, receipts):
        """Options of the generator for single messages by GET."""
        query = 'username=bench&password=bench&from=27182&to={n}&text=bench+%40{t}'
        if receipts:
            # %d is 8 for "the SMSC took it" and 1 for "delivered": the two calls a message.
            url = 'http://127.0.0.1:%d/dlr%%d?destination=@' % self.hook
            query += '&dlr-mask=31&dlr-url=' + urllib.parse.quote(url, safe='').replace('%40', '{n}')
        return {'mode': 'get', 'port': self.http, 'path': '/cgi-bin/sendsms', 'query': query}
