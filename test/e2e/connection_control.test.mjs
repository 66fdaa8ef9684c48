// The operator's word about a connection while it runs: pause, resume, drain; and settings that a reload changes.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, never, scenario, until } from './peers/gateway.mjs';
import { Smsc } from './peers/smsc.mjs';

const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = (n, from = 0) => Array.from({ length: n }, (_, i) => ({ destination: number(from + i), messageText: 'x' }));
const shown = async (g, name = 'main') => (await g.json('connection', 'list')).carriers.find(c => c.name === name);

describe('connections under control', { concurrency: 4 }, () => {
  scenario('paused: nothing leaves, it stays bound, receipts still come; resumed: everything leaves in order', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc, { window: 5 })] });
    await g.delivered(await g.send(number(0)), 4);
    assert.equal((await g.command('connection', 'pause', 'main')).stdout, 'main: paused\n');
    const before = smsc.submits.length;
    const ids = await g.bulk(many(50, 100));
    await never('nothing leaves while paused', () => smsc.submits.length > before, 400);
    assert.equal(smsc.links.length, 1);
    await smsc.submits[0].receipt(); // the link is alive both ways
    assert.equal((await shown(g)).hold, 'paused');
    assert.match((await g.command('connection', 'list')).stdout, /^main {2}down, paused /);
    assert.equal(await g.metric('pombo_connection_held', 'main'), 1);
    assert.equal((await g.request('GET', '/readyz')).status, 200, 'messages are still taken');
    assert.deepEqual(await g.json('connection', 'resume', 'main'), { name: 'main', hold: 'none' });
    for (const id of ids) await g.delivered(id, 4);
    assert.deepEqual(smsc.submits.slice(before).map(s => s.to), many(50, 100).map(m => m.destination));
    assert.equal(smsc.binds.length, 1);
  });

  scenario('paused in the middle of a window: what is out is answered, the rest waits, each leaves once', async w => {
    const held = [];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => held.push(s) }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 10 })] });
    const ids = await g.bulk(many(100));
    await until('a full window', () => held.length === 10);
    await g.command('connection', 'pause', 'main');
    for (const s of held) { s.accept(); s.receipt(); }
    for (const id of ids.slice(0, 10)) await g.delivered(id, 4);
    await never('nothing more leaves', () => smsc.submits.length > 10, 300);
    smsc.onSubmit = s => { s.accept(); s.receipt(); };
    await g.command('connection', 'resume', 'main');
    for (const id of ids) await g.delivered(id, 4);
    assert.deepEqual(smsc.submits.map(s => s.to), many(100).map(m => m.destination));
  });

  scenario('a pause outlives kill -9, and works with no server running', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc)] });
    await g.command('connection', 'pause', 'main');
    const id = await g.send(number(1));
    await g.kill();
    await g.start();
    await g.up();
    await never('still paused', () => smsc.submits.length > 0, 300);
    assert.equal((await shown(g)).hold, 'paused');
    await g.stop();
    assert.equal((await g.command('connection', 'resume', 'main')).stdout, 'main: resumed\n');
    await g.start();
    await g.delivered(id, 4);
  });

  scenario('paused: the other connections of the route take over', async w => {
    const [one, two] = [await w.peer(Smsc.listen()), await w.peer(Smsc.listen())];
    const g = await w.gateway({ connections: [connection(one, { name: 'one' }), connection(two, { name: 'two' })], routes: [{ connections: ['one', { name: 'two', weight: 0 }] }] });
    await g.delivered(await g.send(number(1)), 4);
    await g.command('connection', 'pause', 'one');
    await g.delivered(await g.send(number(2)), 4);
    await g.command('connection', 'resume', 'one');
    await until('it is up again', async () => (await g.json('connection', 'list')).engine.connections.find(c => c.name === 'one').up);
    await g.delivered(await g.send(number(3)), 4);
    assert.deepEqual([one, two].map(s => s.submits.map(x => x.to)), [[number(1), number(3)], [number(2)]]);
  });

  scenario('drained: the last answer is waited for, then it unbinds and stays away, over a restart too', async w => {
    const held = [];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => held.push(s) }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 3, binds: 2 })] });
    const ids = await g.bulk(many(10));
    await until('full windows', () => held.length === 6);
    assert.equal((await g.command('connection', 'drain', 'main')).stdout, 'main: draining\n');
    await never('it does not unbind while answers are out', () => smsc.unbinds > 0, 300);
    assert.equal((await shown(g)).hold, 'draining');
    for (const s of held) s.accept();
    await until('both unbound', () => smsc.unbinds === 2 && smsc.links.length === 0);
    await until('it is shown', async () => (await shown(g)).hold === 'drained');
    for (const id of ids.slice(0, 6)) await g.sent(id, 2);
    assert.equal(await g.metric('pombo_in_doubt_total'), 0);
    await g.stop();
    await g.start();
    await never('it stays away', () => smsc.binds.length > 2, 300);
    smsc.onSubmit = s => s.accept();
    await g.command('connection', 'resume', 'main');
    for (const id of ids) await g.sent(id, 2);
    assert.equal(smsc.submits.length, 10);
  });

  scenario('who is not there cannot be paused', async w => {
    const g = await w.gateway({});
    for (const verb of ['pause', 'resume', 'drain']) {
      const r = await g.tryCommand('connection', verb, 'nobody');
      assert.equal(r.code, 66);
      assert.match(r.stderr, /no connection is called "nobody"/);
    }
  });

  scenario('a reload changes window, rate and notation of ids while messages flow', async w => {
    const held = [];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => held.push(s) }));
    const options = more => ({ connections: [connection(smsc, { window: 4, profile: { ids: 'exact' }, ...more })] });
    const g = await w.gateway(options());
    const reload = async more => {
      const n = (g.log().match(/ reloaded /g) ?? []).length;
      g.configure(options(more));
      g.child.kill('SIGHUP');
      await until('the reload', () => (g.log().match(/ reloaded /g) ?? []).length > n);
    };
    const ids = await g.bulk(many(200));
    await until('a window of 4', () => held.length === 4);
    await reload({ window: 9 });
    await until('a window of 9', () => held.length === 9);
    assert.equal(smsc.binds.length, 1, 'without binding again');
    await reload({ window: 2 });
    for (const s of held.splice(0, 7)) s.accept();
    await never('no more than 2 are out', () => held.length > 2, 200);
    held.splice(0, 1)[0].accept();
    await until('one more left', () => held.length === 2);
    // A rate: as many parts a second, over the whole.
    smsc.onSubmit = s => { s.at = Date.now(); s.accept(); };
    await reload({ window: 50, rate: 40 });
    assert.equal((await until('the rate', async () => { const c = await shown(g); return c.rate && c; })).rate, 40);
    for (const s of held.splice(0)) s.accept();
    const from = smsc.submits.length;
    await until('60 more', () => smsc.submits.length >= from + 60);
    const [first, last] = [smsc.submits[from], smsc.submits[from + 59]];
    assert.ok(last.at - first.at >= 59 / 40 * 1000 * 0.5, `60 parts in ${last.at - first.at} ms at 40 a second`);
    // Ids: the receipt in the other notation counts from now on.
    await reload({ window: 50, profile: { ids: 'either' } });
    for (const id of ids) await g.sent(id, 2);
    smsc.onSubmit = s => { s.accept('0000ABCD'); s.receipt({ id: String(0xabcd) }); };
    await g.delivered(await g.send(number(999)), 4);
    assert.equal(smsc.binds.length, 1);
  });
});
