"""What the measurements share: programs started and ended, ports, processor time, memory."""
import json
import os
import queue
import re
import signal
import socket
import statistics
import subprocess
import threading
import time

TICK = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Program:
    """A child process; what it prints is read by a thread, so that it never waits for us."""

    def __init__(self, args, log=None, cwd=None, stderr=None):
        self.log = log
        self.args = [str(a) for a in args]
        self.lines = []
        self.queue = queue.Queue()
        self.errors = open(stderr, 'ab') if stderr else subprocess.DEVNULL
        self.p = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, cwd=cwd)
        self.pid = self.p.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.p.stdout:
            text = line.decode('utf-8', 'replace').rstrip()
            self.lines.append(text)
            self.queue.put(text)
        self.queue.put(None)

    def wait_line(self, pattern, seconds):
        """The first line that matches; what came before is skipped."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.queue.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise RuntimeError('%s: no "%s" in %d s' % (self.args[0], pattern, seconds))
            if line is None:
                raise RuntimeError('%s ended with %s: %s' % (self.args[0], self.p.wait(), '\n'.join(self.lines[-5:])))
            m = re.search(pattern, line)
            if m:
                return m

    def running(self):
        return self.p.poll() is None

    def stop(self, sig=signal.SIGTERM, seconds=30):
        if self.running():
            self.p.send_signal(sig)
            try:
                self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.reader.join(5)
        if self.errors is not subprocess.DEVNULL:
            self.errors.close()
        return self.p.returncode

    def last_json(self):
        for line in reversed(self.lines):
            if line.startswith('{'):
                return json.loads(line)
        return {}


class Sink(Program):
    """smsc_sink or http_sink."""

    def __init__(self, path, *args):
        super().__init__([path, *args])
        self.port = int(self.wait_line(r'ready port=(\d+)', 10).group(1))

    def total(self):
        """Ends it; its counts."""
        self.stop()
        return self.last_json()

    def now(self):
        return self.last_json()


def load(tools, **options):
    """Runs the generator to its end; its counts."""
    args = [os.path.join(tools, 'load')]
    for name, value in options.items():
        for v in value if isinstance(value, list) else [value]:
            args.append('--' + name)
            if v is not True:
                args.append(str(v))
    p = subprocess.run(args, stdout=subprocess.PIPE, check=True)
    return json.loads(p.stdout)


def cpu_of(pids):
    """Processor seconds of the processes, their threads included."""
    total = 0
    for pid in pids:
        with open('/proc/%d/stat' % pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory_of(pids):
    """Resident bytes."""
    total = 0
    for pid in pids:
        with open('/proc/%d/status' % pid) as f:
            total += int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1)) * 1024
    return total


def wait_for(what, condition, seconds, still=None):
    """Polls until the condition holds. still: a number that must grow at least every ten seconds, else it is over early."""
    end, last, at = time.monotonic() + seconds, None, time.monotonic()
    while time.monotonic() < end:
        if condition():
            return True
        if still:
            value = still()
            if value != last:
                last, at = value, time.monotonic()
            elif time.monotonic() - at > 10:
                break
        time.sleep(0.1)
    print('    (not reached: %s)' % what, flush=True)
    return False


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None
