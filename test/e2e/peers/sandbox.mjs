// sandbox.mjs - `pombo sandbox` as a child process, and a receiver of webhooks that keeps every call.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { POMBO, until } from './gateway.mjs';

export class Sandbox {
  static async open(...settings) {
    const s = new Sandbox();
    s.child = spawn(POMBO, ['sandbox', '--smpp', '127.0.0.1:0', '--http', '127.0.0.1:0', ...settings], { stdio: ['ignore', 'pipe', 'ignore'] });
    s.gone = new Promise(resolve => s.child.on('exit', (code, signal) => { s.end = { code, signal }; resolve(); }));
    let out = '';
    s.child.stdout.on('data', c => { out += c; });
    await until('the sandbox', () => /^ready .*\n/.test(out) || s.end);
    s.url = `smpp://${/ smpp=(\S+)/.exec(out)[1]}`;
    s.http = / http=(http:\S+)/.exec(out)[1];
    return s;
  }

  async messages() { return (await (await fetch(`${this.http}/messages?limit=1000`)).json()).messages; }

  async close() {
    this.child.kill('SIGTERM');
    await this.gone;
  }
}

export class Receiver {
  calls = [];
  status = 200; // or a function of the call

  static async open() {
    const r = new Receiver();
    r.server = http.createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', c => { body += c; });
      req.on('end', () => {
        const call = { kind: req.url.slice(1), headers: req.headers, text: body, json: JSON.parse(body) };
        r.calls.push(call);
        res.writeHead(typeof r.status === 'function' ? r.status(call) : r.status);
        res.end();
      });
    });
    await new Promise(done => r.server.listen(0, '127.0.0.1', done));
    r.url = `http://127.0.0.1:${r.server.address().port}`;
    return r;
  }

  of(id, kind) { return this.calls.filter(c => c.json.id === id && c.kind === kind); }

  async close() {
    this.server.closeAllConnections?.();
    await new Promise(done => this.server.close(done));
  }
}
