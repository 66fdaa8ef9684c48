// The disk fails: by injection (a build with -Dfaults=true, named by POMBO_ASAN), and for real (a small tmpfs). Whatever was answered
// with 200 or acknowledged to the carrier is there at the next start; the process ends, loudly and not with 0.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { connection, run, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const asan = process.env.POMBO_ASAN;
const binary = asan && fs.existsSync(asan) ? asan : undefined;
const skip = binary ? false : 'POMBO_ASAN names no build with faults';
let counter = 0;
const number = () => `55119${String(++counter).padStart(8, '0')}`;

// Customers who send until the gateway is gone: what they were told.
async function load(g, customers = 8, bulk = 1) {
  const told = { accepted: new Map(), refused: 0, cut: 0 };
  await Promise.all(Array.from({ length: customers }, async () => {
    while (g.running) {
      const messages = Array.from({ length: bulk }, () => ({ destination: number(), messageText: 'o disco vai falhar' }));
      try {
        const r = await g.request('POST', '/v1/send-bulk-sms', { body: { messages } });
        if (r.status === 200) r.json.messages.forEach((m, i) => told.accepted.set(m.id, messages[i].destination));
        else { told.refused++; assert.ok([500, 503].includes(r.status), r.text); }
      } catch (e) {
        if (e instanceof assert.AssertionError) throw e;
        told.cut++; // no answer: nothing was promised
      }
    }
  }));
  return told;
}

async function end(g) {
  const e = await g.gone;
  assert.equal(e.signal, null, `it ends by itself, not by a signal:\n${g.log().slice(-3000)}`);
  assert.notEqual(e.code, 0);
  assert.doesNotMatch(g.log(), /Sanitizer|runtime error/);
  assert.match(g.log(), /^error .*(store|commit|sync|write|disk)/m, 'the reason is in the log');
  return e;
}

async function allThere(g, smsc, told) {
  const ids = [...told.accepted.keys()];
  await until('every accepted message to have a sent code', async () => { const found = await g.statuses(ids); return ids.every(id => found.get(id)?.sentStatusCode); });
  const found = await g.statuses(ids), codes = {};
  for (const id of ids) codes[found.get(id).sentStatusCode] = (codes[found.get(id).sentStatusCode] ?? 0) + 1;
  assert.deepEqual(Object.keys(codes).filter(c => c !== '2' && c !== '102'), [], JSON.stringify(codes));
  const twice = [...new Set(smsc.submits.map(s => s.to))].length;
  assert.equal(twice, smsc.submits.length, 'nothing was submitted twice');
  for (const id of ids) if (found.get(id).sentStatusCode === 2) assert.ok(smsc.to(told.accepted.get(id)).length === 1, 'sent means sent');
  return found;
}

describe('injected faults of the store', { concurrency: 7 }, () => {
  for (const faults of ['store.sync:40', 'store.sync:41+', 'store.write:300+', 'store.write:150', 'store.commit:25']) {
    scenario(`${faults}: it ends, and all that was promised is there`, { skip }, async w => {
      const smsc = await w.peer(Smsc.listen());
      const r = await w.peer(Receiver.listen());
      const g = await w.gateway({ smsc, binary, webhook: r.url });
      await g.stop();
      await g.start({ env: { POMBO_FAULTS: faults, ASAN_OPTIONS: 'detect_leaks=0' } });
      const told = await load(g);
      await end(g);
      // Whether somebody was waiting just then is chance: a batch of results may be the one that fails.
      assert.ok(told.accepted.size > 0, `${told.accepted.size} accepted, ${told.refused} refused, ${told.cut} cut`);
      const acknowledged = smsc.delivered.filter(d => d.status === 0).map(d => d.to);
      // The carrier gives again what was not acknowledged.
      const again = smsc.submits.filter(s => s.id && !acknowledged.includes(s.to));
      await g.start();
      await until('bound', () => smsc.links.length >= 1);
      for (const s of again) assert.equal(await s.receipt(), 0);
      const found = await allThere(g, smsc, told);
      const byNumber = new Map([...told.accepted].map(([id, to]) => [to, found.get(id)]));
      for (const to of acknowledged) {
        const s = byNumber.get(to);
        if (s?.sentStatusCode === 2) await g.delivered(s.id, 4);
      }
      await until('all told to the receiver', () => [...told.accepted.keys()].every(id => r.of(id, '/sent').length >= 1));
      assert.equal((await g.tryCommand('store', 'check')).code, 0);
    });
  }

  // Two ends of one run, looked at by the two tests below.
  const failing = async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc, binary });
    await g.stop();
    await g.start({ env: { POMBO_FAULTS: 'store.sync:40' } });
    await load(g, 2);
    assert.equal((await g.gone).code, 74);
    const ended = Date.now();
    return { log: g.log(), ms: ended - new Date(/(\S+Z) store_failed/.exec(g.log())[1]) };
  };
  const run1 = new Map();
  scenario('it ends at once', { skip }, async w => {
    const { log, ms } = await failing(w);
    run1.set('log', log);
    assert.ok(ms < 5000, `${ms} ms from the failure to the end`);
  });

  scenario('nothing leaks on that way out', { skip }, async () => {
    const log = await until('the run above', () => run1.get('log'), 40000);
    assert.doesNotMatch(log, /LeakSanitizer/);
  });

  scenario('a store that cannot be written at the start is no start', { skip }, async w => {
    const g = await w.gateway({ smsc: 'smpp://127.0.0.1:1', binary, start: false });
    await assert.rejects(g.start({ env: { POMBO_FAULTS: 'store.write:1+' } }), /ended before it was ready/);
    assert.notEqual((await g.gone).code, 0);
    assert.match(g.log(), /full|SQLite/, 'and says why');
  });

  scenario('killed inside a commit, again and again', { skip }, async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc, binary });
    await g.stop();
    const all = { accepted: new Map() };
    for (const faults of ['store.sync:kill30', 'store.write:kill200', 'store.sync:kill25', 'store.write:kill333']) {
      await g.start({ env: { POMBO_FAULTS: faults, ASAN_OPTIONS: 'detect_leaks=0' } });
      const told = await load(g, 4);
      assert.equal((await g.gone).signal, 'SIGKILL');
      for (const [id, to] of told.accepted) all.accepted.set(id, to);
    }
    await g.start();
    await allThere(g, smsc, all);
    assert.ok(all.accepted.size > 20, `${all.accepted.size}`);
  });
});

describe('a disk that is full', () => {
  scenario('nothing is promised that is not kept; with room again it goes on', { skip: process.getuid() !== 0 && 'mounting a small tmpfs needs root' }, async (w, t) => {
    const disk = w.folder();
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=700', 'pombo-e2e', disk]);
    if (mounted.code !== 0) { t.skip(`mount: ${mounted.stderr.trim()}`); return; }
    w.later(() => run('umount', ['-l', disk]));
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc)], data: path.join(disk, 'data') });
    const told = await load(g, 2, 100);
    await end(g);
    assert.ok(told.accepted.size > 1000, `${told.accepted.size} accepted`);
    const still = await g.start().then(() => 'it started', e => e.message);
    if (g.running) await g.kill(); // a full disk may still hold a start; then it may not hold the next commit
    assert.ok(still);
    assert.equal((await run('mount', ['-o', 'remount,size=64m', disk])).code, 0);
    await g.start();
    await allThere(g, smsc, told);
    assert.equal((await g.tryCommand('store', 'check')).code, 0);
  });
});
