#!/usr/bin/env python3
"""Measures the gateway and Kannel side by side on one machine, with the sinks and the generator of this folder, and writes a
table (bench/results.md) and all figures (bench/results.json).

Rounds alternate between the two, so that a slow hour of the machine hits both; the table holds medians. Whole paths are counted
to the last submit or call, the draining of the queue included. Every 200 of the gateway is durable (fdatasync) before it
leaves; Kannel's file store writes without any sync."""
import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gateway  # noqa: E402
import kannel  # noqa: E402
from tools import Sink, cpu_of, load, median, memory_of, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = ['accept', 'tls', 'bulk', 'submit', 'path', 'sustained', 'queue', 'half', 'schedule', 'resident']
DUE_RATE = 1000  # scheduled messages that fall due in a second
SINK_CLOCK = time.CLOCK_MONOTONIC


class Bench:
    def __init__(self, args):
        self.a = args
        self.figures = {}       # (row, system) -> [dict, ...]
        self.folders = 0

    def tool(self, name):
        return os.path.join(self.a.tools, name)

    def folder(self):
        self.folders += 1
        return os.path.join(self.a.dir, 'run%d' % self.folders)

    def make(self, system, smsc, hooks=None, reports=True):
        port = hooks.port if hooks else None
        if system == 'Kannel':
            return kannel.Kannel(self.folder(), smsc.port if smsc else self.a.away, port)
        return gateway.Gateway(self.a.pombo, self.folder(), smsc.port if smsc else self.a.away, port, reports)

    def note(self, row, system, figures):
        self.figures.setdefault((row, system), []).append(figures)
        shown = ' '.join('%s=%s' % (k, ('%.4g' % v) if isinstance(v, float) else v) for k, v in figures.items())
        print('  %-10s %-7s %s' % (row, system, shown), flush=True)

    def settle(self):
        subprocess.run(['sync'], check=False)
        time.sleep(0 if self.a.quick else 2)

    # --- one round of each row ---

    def accept_and_submit(self, system):
        """Singles by GET, plain, 64 connections, carrier there, no receipts: accepts a second in the burst; accept to submit
        over burst and drain."""
        smsc = Sink(self.tool('smsc_sink'), '--delay', '-1')
        gw = self.make(system, smsc, reports=False)
        gw.start()
        try:
            before = cpu_of(gw.pids())
            sent = load(self.a.tools, seconds=self.a.seconds, connections=64, **gw.get(False))
            wait_for('all submitted', lambda: smsc.now().get('submits', 0) >= sent['accepted'], 120,
                     lambda: smsc.now().get('submits', 0))
            cpu = cpu_of(gw.pids()) - before
        finally:
            gw.stop()
            got = smsc.total()
        self.check(system, sent, got)
        self.note('accept', system, {'rate': sent['rate'], 'p50_ms': sent['latency']['p50_us'] / 1000,
                                     'p99_ms': sent['latency']['p99_us'] / 1000, 'refused': sent['refused']})
        self.note('submit', system, {'rate': got['submits'] * 1e6 / max(1, got['last_us'] - sent['start_us']),
                                     'cpu_us': cpu * 1e6 / max(1, got['submits']), 'messages': got['submits'],
                                     'repeated': got['repeated']})

    def check(self, system, sent, got):
        if got.get('distinct', 0) < sent['accepted'] or got.get('repeated', 0):
            print('    (%s: %d accepted, %d distinct at the carrier, %d repeated)'
                  % (system, sent['accepted'], got.get('distinct', 0), got.get('repeated', 0)), flush=True)

    def accept_only(self, row, mode, tls):
        smsc = Sink(self.tool('smsc_sink'), '--delay', '-1')
        gw = self.make('pombo', smsc, reports=False)
        gw.start()
        try:
            before = cpu_of(gw.pids())
            connections = 16 if mode == 'bulk' else 64
            sent = load(self.a.tools, seconds=self.a.seconds, connections=connections, **gw.post(mode, tls))
            cpu = cpu_of(gw.pids()) - before
        finally:
            gw.stop(signal.SIGKILL if mode == 'bulk' else signal.SIGTERM)  # a bulk's queue is long, and nobody waits for it
            smsc.total()
        self.note(row, 'pombo', {'rate': sent['rate'], 'p50_ms': sent['latency']['p50_us'] / 1000,
                                 'p99_ms': sent['latency']['p99_us'] / 1000, 'refused': sent['refused'],
                                 'cpu_us': cpu * 1e6 / max(1, sent['accepted'])})

    def whole_path(self, system):
        """Accept, submit, receipt 20 ms later, two calls: over burst and drain."""
        smsc, hooks = Sink(self.tool('smsc_sink'), '--delay', '20'), Sink(self.tool('http_sink'))
        gw = self.make(system, smsc, hooks)
        gw.start()
        try:
            before = cpu_of(gw.pids())
            sent = load(self.a.tools, seconds=self.a.seconds, connections=64, **gw.get(True))
            wait_for('all calls', lambda: hooks.now().get('calls', 0) >= 2 * sent['accepted'], 300,
                     lambda: hooks.now().get('calls', 0))
            cpu = cpu_of(gw.pids()) - before
        finally:
            gw.stop()
            got, calls = smsc.total(), hooks.total()
        self.check(system, sent, got)
        self.note('path', system, {'rate': calls['calls'] / 2 * 1e6 / max(1, calls['last_us'] - sent['start_us']),
                                   'accept_rate': sent['rate'], 'calls': calls['calls'], 'messages': sent['accepted'],
                                   'cpu_us': cpu * 1e6 / max(1, sent['accepted'])})

    def sustained(self, rate):
        """The whole path at a given rate for a minute: queues must not grow. True when it held."""
        smsc, hooks = Sink(self.tool('smsc_sink'), '--delay', '20'), Sink(self.tool('http_sink'))
        gw = self.make('pombo', smsc, hooks)
        gw.start()
        samples, seconds = [], 5 if self.a.quick else 60
        try:
            before = cpu_of(gw.pids())
            p = subprocess.Popen([self.tool('load'), '--seconds', str(seconds), '--rate', str(rate), '--connections', '128',
                                  *self.options(gw.get(True))], stdout=subprocess.PIPE)
            for _ in range(6):
                time.sleep(seconds / 6.2)
                m = gw.metrics()
                samples.append([int(m.get(k, -1)) for k in ('pombo_queued', 'pombo_webhooks_pending')])
            sent = json.loads(p.communicate()[0])
            wait_for('all calls', lambda: hooks.now().get('calls', 0) >= 2 * sent['accepted'], 60,
                     lambda: hooks.now().get('calls', 0))
            cpu = cpu_of(gw.pids()) - before
            memory = memory_of(gw.pids())
        finally:
            gw.stop()
            got, calls = smsc.total(), hooks.total()
        self.check('pombo', sent, got)
        held = sent['rate'] > 0.98 * rate and sent['refused'] == 0 and calls['calls'] >= 2 * sent['accepted'] and all(
            b[i] <= max(a[i], 0) + rate for a, b in [(samples[1], samples[-1])] for i in (0, 1))
        self.note('sustained', 'pombo', {'rate': sent['rate'], 'held': held, 'asked': float(rate), 'queued_and_calls': samples,
                                         'p99_ms': sent['latency']['p99_us'] / 1000,
                                         'cpu_us': cpu * 1e6 / max(1, sent['accepted']), 'memory_mb': memory / 1e6})
        return held

    def options(self, options):
        out = []
        for name, value in options.items():
            for v in value if isinstance(value, list) else [value]:
                out += ['--' + name] + ([] if v is True else [str(v)])
        return out

    def queue(self, system):
        """Carrier away: memory a queued message; the gateway killed and started again; then the carrier comes."""
        count = self.a.queue if system == 'pombo' else min(self.a.queue, 100000)
        gw = self.make(system, None, reports=False)
        gw.start()
        smsc, figures = None, {'messages': count}
        try:
            empty = memory_of(gw.pids())
            how = gw.post('bulk', False) if system == 'pombo' else gw.get(False)
            sent = load(self.a.tools, seconds=600, count=count, connections=16, **how)
            time.sleep(1 if self.a.quick else 5)
            figures.update(accepted=sent['accepted'], rate=sent['rate'], empty_mb=empty / 1e6,
                           memory_mb=memory_of(gw.pids()) / 1e6)
            if system == 'pombo':
                gw.stop(signal.SIGKILL)
                figures['ready_s'] = gw.start()
                figures['memory_after_mb'] = memory_of(gw.pids()) / 1e6
            smsc = Sink(self.tool('smsc_sink'), '--delay', '-1', '--port', self.a.away)
            wait_for('drained', lambda: smsc.now().get('submits', 0) >= sent['accepted'], 600,
                     lambda: smsc.now().get('submits', 0))
        finally:
            gw.stop()
            if smsc:
                got = smsc.total()
                figures.update(drain_rate=got['rate'], distinct=got['distinct'], repeated=got['repeated'])
        self.note('queue', system, figures)

    def half_load(self):
        """Latencies at half of what accept to submit can do."""
        full = median([f['rate'] for f in self.figures.get(('submit', 'pombo'), [])]) or 10000
        smsc = Sink(self.tool('smsc_sink'), '--delay', '-1')
        gw = self.make('pombo', smsc, reports=False)
        gw.start()
        try:
            load(self.a.tools, seconds=1, rate=full / 4, connections=64, first=990000000, **gw.get(False))  # warm
            sent = load(self.a.tools, seconds=self.a.seconds, rate=full / 2, connections=64, **gw.get(False))
            wait_for('all submitted', lambda: smsc.now().get('submits', 0) >= sent['accepted'], 30)
        finally:
            gw.stop()
            got = smsc.total()
        self.note('half', 'pombo', {'rate': sent['rate'], 'answer_p50_ms': sent['latency']['p50_us'] / 1000,
                                    'answer_p99_ms': sent['latency']['p99_us'] / 1000,
                                    'submit_p50_ms': got['latency']['p50_us'] / 1000,
                                    'submit_p99_ms': got['latency']['p99_us'] / 1000})

    def schedule(self):
        """Lateness of 1,000 messages due in each second while a million others wait for later hours: the carrier's clock when the
        octets arrive against the moment that was asked for."""
        seconds, many = (5, 20000) if self.a.quick else (60, self.a.queue)
        smsc = Sink(self.tool('smsc_sink'), '--delay', '-1')
        gw = self.make('pombo', smsc, reports=False)
        gw.start()
        figures = {'waiting': many, 'due': seconds * DUE_RATE}
        try:
            empty = memory_of(gw.pids())
            far = (time.time() + 6 * 3600) * 1000
            began = time.monotonic()
            for first in range(0, many, 1000):
                gw.bulk([{'destination': '5511%09d' % (900000000 + i), 'messageText': 'later',
                          'scheduledAt': int(far + i * 7919 % 86400000)} for i in range(first, first + 1000)])
            figures['accept_rate'] = many / (time.monotonic() - began)
            time.sleep(1 if self.a.quick else 5)
            now = memory_of(gw.pids())
            figures.update(memory_mb=now / 1e6, more_mb=(now - empty) / 1e6)
            # The texts carry the moment on the clock that the sink looks at, a schedule is in whole milliseconds.
            start = int(time.time() * 1000) + (3000 if self.a.quick else 10000)
            offset = time.clock_gettime_ns(SINK_CLOCK) // 1000 - int(time.time() * 1e6)
            for second in range(seconds):
                gw.bulk([{'destination': '5511%09d' % (990000000 + second * DUE_RATE + i),
                          'messageText': 'due @%d' % ((start + second * 1000 + i) * 1000 + offset),
                          'scheduledAt': start + second * 1000 + i} for i in range(DUE_RATE)])
            before = cpu_of(gw.pids())
            wait_for('all that was due', lambda: smsc.now().get('submits', 0) >= seconds * DUE_RATE, seconds + 60)
            figures['cpu_us'] = (cpu_of(gw.pids()) - before) * 1e6 / (seconds * DUE_RATE)
        finally:
            gw.stop()
            got = smsc.total()
        figures.update(submits=got['submits'], late_p50_ms=got['latency']['p50_us'] / 1000, late_p99_ms=got['latency']['p99_us'] / 1000,
                       late_max_ms=got['latency']['max_us'] / 1000)
        self.note('schedule', 'pombo', figures)

    def resident(self):
        """Processor time a message when ten times as many are kept."""
        figures = {}
        for many in (self.a.queue, 10 * self.a.queue):
            smsc = Sink(self.tool('smsc_sink'), '--delay', '-1')
            gw = self.make('pombo', smsc, reports=False)
            gw.start()
            try:
                load(self.a.tools, seconds=3600, count=many, connections=16, **gw.post('bulk', False))
                wait_for('all submitted', lambda: smsc.now().get('submits', 0) >= many, 3600,
                         lambda: smsc.now().get('submits', 0))
                time.sleep(5)
                before, have = cpu_of(gw.pids()), smsc.now()['submits']
                sent = load(self.a.tools, seconds=self.a.seconds * 2, connections=64, first=950000000, **gw.get(False))
                wait_for('all submitted', lambda: smsc.now().get('submits', 0) >= have + sent['accepted'], 120)
                figures['cpu_us_at_%d' % many] = (cpu_of(gw.pids()) - before) * 1e6 / max(1, sent['accepted'])
            finally:
                gw.stop()
                smsc.total()
        low, high = figures.values()
        figures['ratio'] = high / low
        self.note('resident', 'pombo', figures)

    # --- all of it ---

    def run(self):
        both = [s for s in ('Kannel', 'pombo') if s in self.a.systems]
        for i in range(self.a.rounds):
            print('round %d of %d' % (i + 1, self.a.rounds), flush=True)
            for system in both if i % 2 == 0 else both[::-1]:
                if self.wants('accept') or self.wants('submit'):
                    self.settle()
                    self.accept_and_submit(system)
                if self.wants('path'):
                    self.settle()
                    self.whole_path(system)
            if 'pombo' in both:
                for row, mode, tls in (('tls', 'post', True), ('bulk', 'bulk', False)):
                    if self.wants(row):
                        self.settle()
                        self.accept_only(row, mode, tls)
        if self.wants('queue'):
            for system in both:
                self.settle()
                self.queue(system)
        if 'pombo' in both:
            if self.wants('half'):
                self.half_load()
            if self.wants('schedule'):
                self.settle()
                self.schedule()
            if self.wants('sustained'):
                self.find_sustained()
            if 'resident' in self.a.rows:
                self.resident()

    def wants(self, row):
        return row in self.a.rows

    def find_sustained(self):
        theirs = median([f['rate'] for f in self.figures.get(('path', 'Kannel'), [])])
        ours = median([f['rate'] for f in self.figures.get(('path', 'pombo'), [])])
        rate = self.a.rate or (4 * theirs if theirs else (ours or 4000) * 0.9)
        for _ in range(1 if self.a.quick else 4):
            self.settle()
            if self.sustained(rate):
                break
            rate *= 0.85

    def median(self, row, system, figure):
        return median([f.get(figure) for f in self.figures.get((row, system), [])])


def table(b):
    def get(row, system, figure, scale=1, digits=0):
        v = b.median(row, system, figure)
        return '-' if v is None else '{:,.{d}f}'.format(v / scale, d=digits)

    def ratio(row, figure):
        ours, theirs = b.median(row, 'pombo', figure), b.median(row, 'Kannel', figure)
        return '%.1f ×' % (ours / theirs) if ours and theirs else '-'

    sustained = [f['rate'] for f in b.figures.get(('sustained', 'pombo'), []) if f['held']]
    theirs = b.median('path', 'Kannel', 'rate')
    held = '{:,.0f}'.format(max(sustained)) if sustained else '-'
    rows = [
        ('accept, GET, plain, 64 connections, messages/s', get('accept', 'pombo', 'rate'), get('accept', 'Kannel', 'rate'),
         ratio('accept', 'rate'), '≥ 4 ×'),
        ('the same, p99 ms', get('accept', 'pombo', 'p99_ms', 1, 1), get('accept', 'Kannel', 'p99_ms', 1, 1), '', ''),
        ('accept, POST, TLS, messages/s', get('tls', 'pombo', 'rate'), '', '', '≥ 15,000'),
        ('bulk of 1000, messages/s', get('bulk', 'pombo', 'rate'), '', '', '≥ 100,000'),
        ('accept → submit, messages/s', get('submit', 'pombo', 'rate'), get('submit', 'Kannel', 'rate'), ratio('submit', 'rate'),
         '≥ 3 ×'),
        ('the same, CPU µs a message', get('submit', 'pombo', 'cpu_us'), get('submit', 'Kannel', 'cpu_us'), '', ''),
        ('accept → submit → receipt → two calls, burst, messages/s', get('path', 'pombo', 'rate'), get('path', 'Kannel', 'rate'),
         ratio('path', 'rate'), ''),
        ('the same, CPU µs a message', get('path', 'pombo', 'cpu_us'), get('path', 'Kannel', 'cpu_us'), '', ''),
        ('the same, sustained, no queue growing, messages/s', held, '',
         '%.1f ×' % (max(sustained) / theirs) if sustained and theirs else '-', '≥ 4 ×'),
        ('{:,.0f} queued, carrier away: resident MB'.format(b.median('queue', 'pombo', 'messages') or 0),
         get('queue', 'pombo', 'memory_mb'), '', '', '≤ 250'),
        ('killed, started again: s to ready', get('queue', 'pombo', 'ready_s', 1, 2), '', '', '≤ 3'),
        ('then drained, messages/s', get('queue', 'pombo', 'drain_rate'), get('queue', 'Kannel', 'drain_rate'),
         ratio('queue', 'drain_rate'), ''),
        ('p99 at half load: answer, ms', get('half', 'pombo', 'answer_p99_ms', 1, 1), '', '', '≤ 10'),
        ('p99 at half load: request → submit, ms', get('half', 'pombo', 'submit_p99_ms', 1, 1), '', '', '≤ 20'),
        ('{:,.0f} scheduled for later, 1,000 due a second: lateness p99, ms'.format(b.median('schedule', 'pombo', 'waiting') or 0),
         get('schedule', 'pombo', 'late_p99_ms', 1, 1), '', '', '≤ 1,000'),
        ('the same, resident MB', get('schedule', 'pombo', 'memory_mb'), '', '', '≤ 250'),
        ('the same, MB more than before they came; the page cache takes up to 67', get('schedule', 'pombo', 'more_mb'), '', '', ''),
        ('CPU a message, ten times as many kept', get('resident', 'pombo', 'ratio', 1, 2), '', '', '≤ 1.2 ×'),
    ]
    text = ['| path | pombo | Kannel | ratio | goal |', '| --- | ---: | ---: | ---: | ---: |']
    text += ['| %s | %s | %s | %s | %s |' % r for r in rows]
    return '\n'.join(text)


def machine():
    model = 'unknown processor'
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':')[1].strip()
                break
    return '%d × %s, Linux %s' % (os.cpu_count(), model, platform.release())


def write(b, args):
    text = '# Measured\n\n%s; %s; %d rounds of %g s, medians.\n\n%s\n' % (
        machine(), time.strftime('%Y-%m-%d'), args.rounds, args.seconds, table(b))
    figures = [{'row': r, 'system': s, 'rounds': f} for (r, s), f in b.figures.items()]
    with open(os.path.join(args.out, 'results.md'), 'w') as f:
        f.write(text)
    with open(os.path.join(args.out, 'results.json'), 'w') as f:
        json.dump({'machine': machine(), 'seconds': args.seconds, 'figures': figures}, f, indent=1)
    print('\n' + table(b))


def options():
    from tools import free_port
    root = os.path.dirname(HERE)
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--pombo', default=os.path.join(root, 'build', 'pombo'))
    p.add_argument('--tools', default=os.path.join(root, 'build', 'release', 'bench'), help='folder of the built tools')
    p.add_argument('--dir', help='folder for data, on the disk that is to be measured (default: under build/)')
    p.add_argument('--out', default=HERE, help='where results.md and results.json go')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--seconds', type=float, default=6)
    p.add_argument('--queue', type=int, default=1000000)
    p.add_argument('--rate', type=float, help='of the sustained run; default 4 x Kannel, then less until it holds')
    p.add_argument('--rows', default=','.join(r for r in ROWS if r != 'resident'),
                   help='of %s; resident takes long and is not among the default' % ','.join(ROWS))
    p.add_argument('--systems', default='Kannel,pombo')
    p.add_argument('--quick', action='store_true', help='a smoke test: one round, two seconds a row, 20,000 queued')
    a = p.parse_args()
    if a.quick:
        a.rounds, a.seconds, a.queue = 1, 2.0, 20000
    a.rows, a.systems = a.rows.split(','), a.systems.split(',')
    for row in a.rows:
        if row not in ROWS:
            p.error('no row %s' % row)
    if 'Kannel' in a.systems and not os.path.exists('/usr/sbin/bearerbox'):
        print('Kannel is not installed (apt-get install kannel): measured without it')
        a.systems.remove('Kannel')
    if 'pombo' in a.systems and not os.path.exists(a.pombo):
        p.error('%s: not there; make build' % a.pombo)
    if not os.path.exists(os.path.join(a.tools, 'load')):
        p.error('%s/load: not there; ninja -C build/release bench-programs' % a.tools)
    a.away = free_port()
    return a


def main():
    args = options()
    base = args.dir or os.path.join(os.path.dirname(HERE), 'build')
    os.makedirs(base, exist_ok=True)
    args.dir = tempfile.mkdtemp(prefix='bench-', dir=base)
    b = Bench(args)
    try:
        b.run()
    finally:
        shutil.rmtree(args.dir, ignore_errors=True)
    write(b, args)


main()
