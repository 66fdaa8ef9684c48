// Which way a message goes, what becomes of it when that way is sick, and whose turn it is.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, scenario, until } from './peers/gateway.mjs';
import { Smsc } from './peers/smsc.mjs';

const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = (n, from = 0, messageText = 'x') => Array.from({ length: n }, (_, i) => ({ destination: number(from + i), messageText }));
const peers = async (w, names, options = {}) => Object.fromEntries(await Promise.all(names.map(async n => [n, await w.peer(Smsc.listen(options[n] ?? {}))])));
const connections = (smscs, more = {}) => Object.entries(smscs).map(([name, s]) => connection(s, { name, ...more[name] }));
const marketer = async (g, name) => {
  await g.command('sub-account', 'add', name, '--class', 'marketing');
  return g.addUser(name, ['--sub-account', name]);
};

describe('routes', { concurrency: 4 }, () => {
  scenario('longest prefix, then the route with more conditions', async w => {
    const smscs = await peers(w, ['brazil', 'vivo', 'news', 'shop', 'world']);
    const g = await w.gateway({
      connections: connections(smscs),
      routes: [
        { prefix: '55', connections: ['brazil'] },
        { prefix: '55', operator: 1, connections: ['vivo'] },
        { prefix: '55', class: 'marketing', connections: ['news'] },
        { prefix: '55', class: 'marketing', sub_account: 'shop', connections: ['shop'] },
        { connections: ['world'], class: 'transactional' },
      ],
    });
    const [news, shop] = [await marketer(g, 'news'), await marketer(g, 'shop')];
    const went = async (to, user, name) => {
      const id = await g.send(to, 'x', {}, user ?? g.user);
      await until(`${to} at ${name}`, () => smscs[name].to(to).length === 1);
      for (const [other, s] of Object.entries(smscs)) assert.equal(s.to(to).length, other === name ? 1 : 0, other);
      return id;
    };
    await went('5521988880001', null, 'brazil');
    await went('5511999990001', null, 'vivo');
    await went('5521988880002', news, 'news');
    await went('5511999990002', news, 'vivo'); // one condition each: the first as written
    await went('5511999990003', shop, 'shop');
    await went('351912345678', null, 'world');
    // A way for others only is no way.
    const id = await g.send('351912345679', 'x', {}, shop);
    const status = await until('its end', async () => (await g.statuses([id], shop)).get(id)?.sentStatusCode);
    assert.equal(status, 102);
    assert.match(await g.timeline(id), /no_route/);
  });

  scenario('a sub-account made later has its route at once', async w => {
    const smscs = await peers(w, ['all', 'own']);
    const g = await w.gateway({ connections: connections(smscs), routes: [{ connections: ['all'] }, { sub_account: 'late', connections: ['own'] }] });
    await g.delivered(await g.send(number(1)), 4);
    const user = await g.addUser('late', ['--sub-account', 'late']);
    await g.send(number(2), 'x', {}, user);
    await until('the message of the late one', () => smscs.own.to(number(2)).length === 1);
    assert.equal(smscs.all.submits.length, 1);
  });

  scenario('a reload takes what waits to its new route', async w => {
    const smscs = await peers(w, ['new']);
    const routes = to => [{ prefix: '55', connections: [to] }];
    const options = { connections: [connection('smpp://127.0.0.1:1', { name: 'gone' }), ...connections(smscs)], routes: routes('gone') };
    const g = await w.gateway(options);
    const ids = await g.bulk(many(100));
    g.configure({ ...options, routes: [...routes('new'), { prefix: '55', class: 'marketing', connections: ['gone'] }] });
    g.child.kill('SIGHUP');
    for (const id of ids) await g.sent(id, 2);
    assert.deepEqual(smscs.new.submits.map(s => s.to), many(100).map(m => m.destination), 'in their order');
  });
});

describe('a sick connection', { concurrency: 4 }, () => {
  const breaker = { errors: 50, least: 5, window: '10s', timeouts: 4, pause: '300ms', pause_max: '600ms', probes: 2 };
  const routes = [{ connections: ['one', { name: 'two', weight: 0 }] }];
  const state = async g => (await g.json('connection', 'list')).engine.connections.find(c => c.name === 'one').breaker;

  scenario('answers only errors: the other takes over, probes find out when it is well', async w => {
    let well = false;
    const smscs = await peers(w, ['one', 'two'], { one: { onSubmit: s => { if (well) { s.accept(); s.receipt(); } else s.refuse(0x08); } } });
    const g = await w.gateway({ connections: connections(smscs, { one: { breaker, window: 10 } }), routes });
    const ids = await g.bulk(many(100));
    for (const id of ids) await g.delivered(id, 4);
    const refused = smscs.one.submits.length;
    assert.ok(refused < 50, `${refused} of 100 were tried on a connection that only refuses`);
    const sick = await until('the state', async () => { const s = await state(g); return s.opened >= 1 && s; });
    assert.match(sick.why, /errors|probe/);
    assert.match((await g.command('connection', 'list')).stdout, /sick: gets nothing|was sick: gets a few/);
    assert.ok(await g.metric('pombo_breaker_opened_total') >= 1);
    well = true;
    for (let i = 200; (await state(g)).state !== 'closed'; i++) await g.delivered(await g.send(number(i)), 4);
    await until('the gauge', async () => await g.metric('pombo_connection_breaker', 'one') === 0);
    const before = smscs.one.submits.length;
    for (const id of await g.bulk(many(20, 5000))) await g.delivered(id, 4);
    assert.equal(smscs.one.submits.length, before + 20, 'all on the first one again');
  });

  scenario('answers nothing: after so many time-outs it gets no more, though it is the only one', async w => {
    let well = false;
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => { if (well) { s.accept(); s.receipt(); } } }));
    const g = await w.gateway({ connections: [connection(smsc, { name: 'one', window: 4, breaker: { ...breaker, pause: '2s', pause_max: '2s' }, timers: { response: '300ms' } })] });
    const ids = await g.bulk(many(40));
    await until('it is open', async () => (await state(g)).opened >= 1);
    const tried = smsc.submits.length;
    assert.ok(tried <= 12, `${tried} were sent into silence`);
    well = true;
    // The ones that met silence are in doubt and end; the others were kept and go out now.
    for (const id of ids.slice(tried + 4)) await g.delivered(id, 4);
    await until('it is closed', async () => (await state(g)).state === 'closed');
  });
});

describe('lanes', () => {
  // Judged by the order of submits at the peer: it accepts one part after another, at a rate, and never more than a window is away.
  const WINDOW = 10;
  const slow = () => {
    const held = [];
    const smsc = Smsc.listen({ onSubmit: s => held.push(s) });
    const step = n => { for (const s of held.splice(0, n)) s.accept(); };
    return { held, smsc, step };
  };

  scenario('a one-time code passes a campaign of 100,000 within the turn of its window', { timeout: 120000 }, async w => {
    const { held, smsc: listening, step } = slow();
    const smsc = await w.peer(listening);
    const g = await w.gateway({ connections: [connection(smsc, { window: WINDOW, rate: 2000, timers: { response: '60s' } })], memory: '64MiB' });
    const news = await marketer(g, 'news');
    for (let i = 0; i < 100; i++) await g.bulk(many(1000, i * 1000), news);
    await until('a full window', () => held.length === WINDOW);
    for (let turn = 0; turn < 5; turn++) {
      const code = `55119111${String(turn).padStart(5, '0')}`;
      await g.send(code, 'Your code is 1234');
      const before = smsc.submits.length;
      // The window turns over once: as many answers as it holds bring as many submits, the code among them.
      step(WINDOW);
      await until('the window is full again', () => held.length === WINDOW);
      const place = smsc.submits.findIndex(s => s.to === code) - before;
      assert.ok(place >= 0 && place < WINDOW, `the code was submit ${place} after it was accepted, the window is ${WINDOW}`);
    }
    assert.ok(await g.metric('pombo_queued') > 99000);
  });

  scenario('marketing keeps its floor, and sub-accounts share a lane', async w => {
    const { held, smsc: listening, step } = slow();
    const smsc = await w.peer(listening);
    const g = await w.gateway({ connections: [connection(smsc, { window: WINDOW, timers: { response: '60s' } })] });
    const users = { a: await marketer(g, 'a'), b: await marketer(g, 'b'), c: await g.addUser('c', ['--sub-account', 'c']) };
    const base = { a: 100000, b: 200000, c: 300000, t: 400000 };
    const who = s => Object.keys(base).find(k => Math.floor(Number(s.to.slice(-6)) / 100000) === base[k] / 100000);
    await g.bulk(many(WINDOW, 500000)); // fills the window, so that all others wait together
    await until('a full window', () => held.length === WINDOW);
    await g.bulk(many(600, base.a), users.a);
    await g.bulk(many(100, base.b), users.b);
    await g.bulk(many(300, base.c), users.c);
    await g.bulk(many(300, base.t));
    for (let n = 0; n < 220; n += WINDOW) {
      step(WINDOW);
      await until('the window is full again', () => held.length === WINDOW);
    }
    const got = smsc.submits.slice(WINDOW, WINDOW + 200).map(who);
    const count = Object.fromEntries(Object.keys(base).map(k => [k, got.filter(x => x === k).length]));
    assert.deepEqual(count, { a: 10, b: 10, c: 90, t: 90 });
    // Within any stretch, not just over all: nobody waits for longer than the others' turns take.
    for (let i = 0; i + 20 <= got.length; i++) {
      const part = got.slice(i, i + 20);
      assert.ok(part.filter(x => x === 'c').length >= 8 && part.filter(x => x === 't').length >= 8, `${i}: ${part}`);
      assert.ok(part.some(x => x === 'a' || x === 'b'), `${i}: ${part}`);
    }
  });

  scenario('two routes on one connection are one pair of lanes', async w => {
    const { held, smsc: listening, step } = slow();
    const smsc = await w.peer(listening);
    const g = await w.gateway({
      connections: [connection(smsc, { window: WINDOW, timers: { response: '60s' } })],
      routes: [{ prefix: '55', class: 'marketing', connections: ['main'] }, { connections: ['main'] }],
    });
    const news = await marketer(g, 'news');
    await g.bulk(many(1000), news);
    await until('a full window', () => held.length === WINDOW);
    await g.send('351912345678', 'Your code is 1234');
    step(WINDOW);
    await until('the code', () => smsc.to('351912345678').length === 1);
    assert.ok(smsc.submits.findIndex(s => s.to === '351912345678') < 2 * WINDOW);
  });
});
