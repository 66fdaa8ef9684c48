// pombo serve as a process: its configuration, its signals, its end.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { spawn } from 'node:child_process';
import { describe } from 'node:test';
import { POMBO, connection, run, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const TO = '5511900000001';
const check = (file, ...more) => run(POMBO, ['check', '--config', file, ...more]);

describe('the configuration', () => {
  scenario('check tells every fault with its line and key', async w => {
    const file = `${w.folder()}/pombo.yaml`;
    fs.writeFileSync(file, ['data: ./data', 'colour: red', 'sms:', '  connections:', '    - name: main', '      smpp: ["smpp://127.0.0.1:2775"]', '      system_id: pombo', '      password: secret',
      '      window: 0', '  routes:', '    - {prefix: "55", connections: [nowhere]}', ''].join('\n'));
    const r = await check(file);
    assert.equal(r.code, 1);
    assert.match(r.stdout, /pombo\.yaml:2: colour: /);
    assert.match(r.stdout, /pombo\.yaml:9: sms\.connections\[0\]\.window: /);
    assert.match(r.stdout, /pombo\.yaml:11: sms\.routes\[0\]\.connections\[0\]/);
    const json = JSON.parse((await check(file, '--json')).stdout);
    assert.equal(json.ok, false);
    assert.deepEqual(json.faults.map(f => f.line), [2, 9, 11]);
    const served = await run(POMBO, ['serve', '--config', file]);
    assert.equal(served.code, 78, served.stderr);
    assert.match(served.stderr, /colour/);
    assert.equal((await check(`${file}.missing`)).code, 1);
  });

  scenario('check says ok to a good one', async w => {
    const g = await w.gateway();
    const r = await check(g.config);
    assert.deepEqual([r.code, r.stdout], [0, 'ok\n']);
  });

  scenario('SIGHUP applies a good one and refuses a bad one', async w => {
    const [one, two] = [await w.peer(Sandbox.start()), await w.peer(Sandbox.start())];
    const g = await w.gateway({ smsc: one.url });
    await g.delivered(await g.send(TO, 'one'), 4);
    g.configure({ connections: [connection(one.url), connection(two.url, { name: 'other' })], routes: [{ prefix: '', connections: ['main'] }, { prefix: '5521', connections: ['other'] }],
      http: [{ listen: '127.0.0.1:1' }] });
    g.child.kill('SIGHUP');
    await until('the reload', () => g.log().includes(' reloaded '));
    assert.match(g.log(), /reload_partly restart_for=.*http/);
    await g.up('other');
    await g.delivered(await g.send('5521900000001', 'two'), 4);
    assert.deepEqual((await two.messages()).map(m => m.text), ['two']);
    const good = fs.readFileSync(g.config, 'utf8');
    fs.writeFileSync(g.config, good.replace('"prefix": "5521"', '"prefix": "x"'));
    g.child.kill('SIGHUP');
    await until('the refusal', () => g.log().includes('reload_refused'));
    assert.match(g.log(), /reload_refused why=".*sms\.routes\[1\]\.prefix/);
    await g.delivered(await g.send('5521900000001', 'still'), 4);
    assert.equal((await two.messages()).length, 2);
    fs.writeFileSync(g.config, good);
  });

  scenario('a busy port and a folder that cannot be made end it with words', async w => {
    const g = await w.gateway();
    const port = new URL(g.url).port;
    const file = `${w.folder()}/pombo.yaml`;
    const rest = 'sms:\n  connections: [{name: main, smpp: ["smpp://127.0.0.1:1"], system_id: a, password: b}]\n  routes: [{prefix: "", connections: [main]}]\n';
    fs.writeFileSync(file, `data: ./data\nhttp: [{listen: "127.0.0.1:${port}"}]\n${rest}`);
    const busy = await run(POMBO, ['serve', '--config', file]);
    assert.equal(busy.code, 69, busy.stderr);
    assert.match(busy.stderr, new RegExp(port));
    fs.writeFileSync(file, `data: /proc/nowhere/data\nhttp: [{listen: "127.0.0.1:0"}]\n${rest}`);
    const folder = await run(POMBO, ['serve', '--config', file]);
    assert.notEqual(folder.code, 0);
    assert.match(folder.stderr, /\/proc\/nowhere/);
  });
});

describe('the end', () => {
  scenario('asked for under load, nothing that was accepted is lost', async w => {
    const sandbox = await w.peer(Sandbox.start({ response_delay: '200ms' }));
    const receiver = await w.peer(Receiver.listen());
    const g = await w.gateway({ smsc: sandbox.url, webhook: receiver.url });
    const ids = [];
    let open = true;
    const sender = async () => {
      while (open) {
        try { ids.push(await g.send(TO, 'x')); } catch { return; }
      }
    };
    const senders = Array.from({ length: 8 }, sender);
    await until('a hundred accepted', () => ids.length >= 100);
    g.child.kill('SIGTERM');
    const end = await g.gone;
    open = false;
    await Promise.all(senders);
    assert.deepEqual(end, { code: 0, signal: null });
    await g.start();
    for (const id of ids) await g.delivered(id, 4);
    await until('every webhook', () => ids.every(id => receiver.of(id, '/sent').length && receiver.of(id, '/delivered').length));
    const doubles = (await g.json('message', 'search', '--limit', '1000')).length - ids.length;
    assert.ok(doubles >= 0 && doubles <= 8, 'only what was accepted and not answered for is more');
  });

  scenario('SIGINT is as good, and nobody reading its standard output does not matter', async w => {
    const g = await w.gateway();
    g.child.stdout.destroy();
    await g.send(TO, 'x');
    g.child.kill('SIGINT');
    assert.deepEqual(await g.gone, { code: 0, signal: null });
  });

  // Needs a build with fault points.
  const faulty = process.env.POMBO_ASAN;
  scenario('a store that cannot write ends it with a code of its own, and the next start has what was answered', { skip: !faulty || !fs.existsSync(faulty) }, async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await g.stop();
    g.binary = faulty;
    await g.start({ env: { POMBO_FAULTS: 'store.commit:40+' } });
    const ids = [];
    await until('the end', async () => {
      try { ids.push(await g.send(TO, 'x')); } catch { /* refused, or the connection went */ }
      return g.ended;
    });
    assert.deepEqual(g.ended, { code: 74, signal: null }, g.log());
    assert.match(g.log(), /error .* store_failed /);
    g.binary = POMBO;
    await g.start();
    for (const id of ids) await g.delivered(id, 4);
  });

  scenario('while a client is slow it is bounded', async w => {
    const g = await w.gateway();
    const slow = spawn('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${new URL(g.url).port}; printf 'POST /v1/send-sms HTTP/1.1\\r\\n' >&3; cat <&3`], { stdio: 'ignore' });
    w.later(() => { slow.kill('SIGKILL'); });
    const began = Date.now();
    g.child.kill('SIGTERM');
    assert.deepEqual(await g.gone, { code: 0, signal: null });
    assert.ok(Date.now() - began < 20000);
  });
});
