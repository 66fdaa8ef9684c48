// sandbox.mjs - `pombo sandbox` as a child process, and its handset over JSON.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { POMBO, until } from './gateway.mjs';

export class Sandbox {
  static async start(settings = {}, ...more) {
    const s = new Sandbox({ smpp: '127.0.0.1:0', http: '127.0.0.1:0', ...settings }, more);
    await until(() => `the sandbox: ${s.err}`, () => /^ready .*\n/m.test(s.out) || s.ended);
    assert.ok(!s.ended, `the sandbox ended: ${s.err}`);
    const address = name => new RegExp(`${name}=(?:http://)?([0-9.]+):(\\d+)`).exec(s.out);
    s.port = Number(address('smpp')?.[2]);
    s.tlsPort = Number(address('smpps')?.[2]);
    s.url = `smpp://127.0.0.1:${s.port}`;
    s.handset = /http=(http:\S+)/.exec(s.out)?.[1];
    return s;
  }

  constructor(settings, more) {
    this.out = this.err = '';
    this.child = spawn(POMBO, ['sandbox', ...Object.entries(settings).flatMap(([k, v]) => ['--set', `${k}=${v}`]), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', c => { this.out += c; });
    this.child.stderr.on('data', c => { this.err += c; });
    this.gone = new Promise(r => this.child.on('exit', (code, signal) => { this.ended = { code, signal }; r(this.ended); }));
  }

  async json(method, path, body) {
    const r = await fetch(this.handset + path, { method, headers: body ? { 'content-type': 'application/json' } : {}, body: body && JSON.stringify(body) });
    return { status: r.status, json: await r.json() };
  }

  get(path) { return this.json('GET', path).then(r => r.json); }

  messages(number) { return this.get(`/messages?limit=1000${number ? `&number=${number}` : ''}`).then(r => r.messages); }

  // message(number, fn): the newest message of a number once fn holds for it.
  message(number, fn = () => true) {
    let list = [];
    return until(() => `a message of ${number}: ${JSON.stringify(list)}`, async () => { list = await this.messages(number); return list.find(fn); });
  }

  async close() {
    if (!this.ended) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10000);
    const end = await this.gone;
    clearTimeout(timer);
    assert.deepEqual(end, { code: 0, signal: null }, `the sandbox ends with 0: ${this.err}`);
  }
}
