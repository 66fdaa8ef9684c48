// process.mjs - a peer in a process of its own that prints one JSON object a line, the first of them {"listening": PORT} or {"ready": 1}.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './gateway.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

export class Peer {
  static async start(program, args = []) {
    const p = new Peer(program, args);
    p.port = (await until(() => `${args[0]} to be ready: ${p.stderr}`, () => p.lines[0] ?? p.end)).listening;
    return p;
  }

  static perl(script, ...args) { return Peer.start('perl', [path.join(here, script), ...args.map(String)]); }

  constructor(program, args) {
    this.lines = [];
    this.stderr = '';
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.gone = new Promise(r => this.child.on('exit', (code, signal) => { this.end = { code, signal }; r(this.end); }));
    this.child.stderr.on('data', c => { this.stderr += c; });
    let rest = '';
    this.child.stdout.on('data', c => {
      rest += c;
      const lines = rest.split('\n');
      rest = lines.pop();
      for (const l of lines) this.lines.push(JSON.parse(l));
    });
  }

  say(object) { this.child.stdin.write(`${JSON.stringify(object)}\n`); }

  async close() {
    if (!this.end) this.child.kill('SIGKILL');
    await this.gone;
  }
}
