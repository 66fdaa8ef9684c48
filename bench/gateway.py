"""The gateway under test: its configuration, users, webhooks, life, and what /metrics says."""
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

from tools import Program, free_port

CONF = """data: {folder}/data
http:
  - {{listen: "127.0.0.1:{http}"}}
  - {{listen: "127.0.0.1:{https}", certificate: {folder}/tls.crt, key: {folder}/tls.key}}
limits: {{requests_per_second: 0, status_queries_per_second: 0, connections_per_ip: 4096}}
operators:
  - {{id: 1, name: VIVO, delivery_reports: {reports}, prefixes: ["5511"]}}
sms:
  connections:
    - name: main
      smpp: ["smpp://127.0.0.1:{smpp}"]
      system_id: bench
      password: bench
      operator: 1
      binds: {binds}
      window: {window}
      rate: 0
  routes:
    - {{prefix: "55", connections: [main]}}
  short_codes: ["27182"]
webhooks: {{allow: ["127.0.0.0/8"]}}
"""


class Gateway:
    def __init__(self, binary, folder, smpp_port, hook_port=None, reports=True, binds=1, window=1000):
        os.makedirs(folder, exist_ok=True)
        self.binary, self.folder, self.program = os.path.abspath(binary), folder, None
        self.http, self.https = free_port(), free_port()
        self.conf = os.path.join(folder, 'pombo.yaml')
        with open(self.conf, 'w') as f:
            f.write(CONF.format(folder=folder, http=self.http, https=self.https, smpp=smpp_port, binds=binds, window=window,
                                reports='true' if reports else 'false'))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                        '-subj', '/CN=localhost', '-keyout', folder + '/tls.key', '-out', folder + '/tls.crt'],
                       check=True, stderr=subprocess.DEVNULL)
        out = self.command('user', 'add', '--username', 'bench', '--email', 'bench@example.com', '--role', 'regular')
        self.token = re.search(r'token: (\S+)', out).group(1)
        if hook_port:
            url = 'http://127.0.0.1:%d' % hook_port
            self.command('webhook', 'set', '--username', 'bench', '--sent', url + '/sent', '--delivered', url + '/delivered')

    def command(self, *args):
        p = subprocess.run([self.binary, *args, '--config', self.conf], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if p.returncode != 0:
            raise RuntimeError('%s: %s' % (' '.join(args), p.stderr.decode().strip()))
        return p.stdout.decode()

    def start(self):
        """Returns the seconds from start to ready."""
        at = time.monotonic()
        self.program = Program([self.binary, 'serve', '--config', self.conf], stderr=os.path.join(self.folder, 'errors'))
        self.program.wait_line(r'^ready', 120)
        return time.monotonic() - at

    def stop(self, sig=signal.SIGTERM):
        if self.program:
            code = self.program.stop(sig, 60)
            if sig == signal.SIGTERM and code != 0:
                print('    (the gateway ended with %s)' % code, flush=True)
            self.program = None

    def pids(self):
        return [self.program.pid]

    def get(self, receipts):
        return {'mode': 'get', 'port': self.http, 'query': 'username=bench&authenticationToken=%s&destination={n}'
                '&messageText=bench+%%40{t}' % self.token}

    def post(self, mode, tls):
        o = {'mode': mode, 'port': self.https if tls else self.http,
             'header': ['username: bench', 'authenticationtoken: ' + self.token]}
        if tls:
            o['tls'] = True
        return o

    def bulk(self, messages):
        """One bulk request, which must be accepted."""
        q = urllib.request.Request('http://127.0.0.1:%d/v1/send-bulk-sms' % self.http, json.dumps({'messages': messages}).encode(),
                                   {'content-type': 'application/json', 'username': 'bench', 'authenticationtoken': self.token})
        with urllib.request.urlopen(q, timeout=60) as f:
            f.read()

    def metrics(self):
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % self.http, timeout=10) as f:
            text = f.read().decode()
        return {m.group(1): float(m.group(2)) for m in re.finditer(r'^([a-z_]+) ([0-9.e+-]+)$', text, re.M)}
