// tools/run.sh, the newcomer's five minutes: the banner's lines are pasted as they stand.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { POMBO, run, scenario, until } from './peers/gateway.mjs';

const script = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../tools/run.sh');

class Demo {
  static async open(folder) {
    const d = new Demo();
    d.out = '';
    // A session of its own, so that the test can end it as Ctrl-C does: the signal goes to the script.
    d.child = spawn(script, [], { cwd: os.tmpdir(), env: { ...process.env, POMBO, POMBO_VAR: folder }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const s of [d.child.stdout, d.child.stderr]) s.on('data', c => { d.out += c; });
    d.gone = new Promise(resolve => d.child.on('close', (code, signal) => { d.end = { code, signal }; resolve(d.end); }));
    await until(() => `the banner: ${d.out}`, () => d.out.includes('Ctrl-C ends everything') || d.end, 40000);
    return d;
  }

  line(begin) { return this.out.split('\n').find(l => l.startsWith(begin)); }

  async close() {
    if (!this.end) this.child.kill('SIGINT');
    await this.gone;
  }
}

const listening = port => new Promise(resolve => {
  const s = net.connect(port, '127.0.0.1', () => { s.destroy(); resolve(true); });
  s.on('error', () => resolve(false));
});

describe('make run', () => {
  scenario('prints lines that work, acts as the telephone, and ends everything', async w => {
    const folder = path.join(w.folder(), 'var');
    const d = await w.peer(Demo.open(folder));
    assert.ok(!d.end, d.out);
    const { token } = JSON.parse(fs.readFileSync(path.join(folder, 'demo.json'), 'utf8'));
    assert.equal(fs.statSync(path.join(folder, 'demo.json')).mode & 0o777, 0o600);
    assert.ok(d.out.includes(token));
    const message = d.line('A=$(curl'), status = d.out.split('\n').find(l => l.includes('status/search')), show = d.out.split('\n').find(l => l.includes('message show'));
    const pasted = await run('bash', ['-c', `${message}\nuntil ${status} | grep DELIVERED_SUCCESS; do sleep 1.1; done\n${show}`], { cwd: os.tmpdir() });
    assert.match(pasted.stdout, /^\[\{"id":"[0-9a-f-]{36}"\}\]\n/);
    assert.match(pasted.stdout, /"deliveredStatusCode":4/);
    assert.match(pasted.stdout, /receipt DELIVRD/);
    await until('the telephone', () => /55119…0001 {2}<- Ola! {2}1 part GSM {2}delivered \d+ ms/.test(d.out));
    const reply = d.out.split('\n').find(l => l.includes('/reply'));
    assert.match((await run('bash', ['-c', reply])).stdout, /"id"/);
    await until('the reply', () => /55119…0001 {2}-> Sim/.test(d.out));

    const ports = [...d.out.matchAll(/127\.0\.0\.1:(\d+)/g)].map(m => Number(m[1]));
    const again = await run(script, [], { env: { ...process.env, POMBO, POMBO_VAR: folder } });
    assert.equal(again.code, 1);
    assert.match(again.stderr, /runs already/);

    // A second one beside it takes other ports and says so.
    const other = await w.peer(Demo.open(path.join(w.folder(), 'var')));
    assert.match(other.out, /run: port \d+ is in use, the API takes \d+/);
    await other.close();
    assert.equal(other.end.code, 0);

    await d.close();
    assert.equal(d.end.code, 0, d.out);
    for (const port of new Set(ports)) assert.equal(await listening(port), false, `port ${port} is free again`);

    const next = await w.peer(Demo.open(folder));
    assert.ok(next.out.includes(token), 'the same token the next time');
    const found = await run(POMBO, ['message', 'search', '--config', path.join(folder, 'pombo.yaml'), '--json']);
    assert.equal(JSON.parse(found.stdout).length, 1, 'and the same data');
  });

  scenario('says why when the gateway cannot start, and leaves nothing behind', async w => {
    const folder = path.join(w.folder(), 'var');
    const first = await Demo.open(folder);
    await first.close();
    fs.appendFileSync(path.join(folder, 'pombo.yaml'), 'colour: red\n');
    const d = await Demo.open(folder);
    await d.gone;
    assert.equal(d.end.code, 1);
    assert.match(d.out, /colour/);
    const left = await run('pgrep', ['-f', folder]);
    assert.equal(left.stdout.trim(), '');
  });
});
