// Receivers of webhooks that fail: what is tried again, when, in which order, and what is given up.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import http from 'node:http';
import { describe } from 'node:test';
import { SECRET, never, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const { Webhook } = createRequire(import.meta.url)('standardwebhooks');
const TO = '5511900000001';
const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = n => Array.from({ length: n }, (_, i) => ({ destination: number(i), messageText: 'x' }));
const calls = (r, id, n) => until(() => `${n} calls about ${id}, of ${r.of(id).length}`, () => r.of(id).length >= n && r.of(id));
const quick = { allow: ['127.0.0.0/8'], retry_first: '150ms', retry_max: '300ms' };
const dead = async g => g.json('webhook', 'dead');

async function world(w, onCall, webhooks = quick, smsc = {}) {
  const carrier = await w.peer(Smsc.listen(smsc));
  const r = await w.peer(Receiver.listen({ onCall }));
  const g = await w.gateway({ webhook: r.url, webhooks, smsc: carrier });
  return { smsc: carrier, r, g };
}
// What a receiver does with the first try of a call; later ones are answered with 200.
const once = bad => { const seen = new Set(); return c => { if (seen.has(c.headers['webhook-id'])) c.answer(); else { seen.add(c.headers['webhook-id']); bad(c); } }; };

describe('receivers that fail once', { concurrency: 5 }, () => {
  const kinds = {
    'answers 500': c => c.answer(500), 'answers 503': c => c.answer(503), 'answers 404': c => c.answer(404), 'answers 408': c => c.answer(408), 'resets the connection': c => c.reset(),
    'stops in the middle of its answer\'s head': c => c.raw('HTTP/1.1 200 O'), 'redirects': c => c.answer(302, { location: 'http://127.0.0.1:1/elsewhere' }),
    'answers something that is no HTTP': c => c.raw('SMTP? 220 mail.example.com\r\n\r\n'), 'answers with a head that does not end': c => c.raw(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(200000)}`),
  };
  for (const [name, bad] of Object.entries(kinds)) {
    scenario(`${name}: again, as the same call, signed anew`, async w => {
      const { g, r } = await world(w, once(bad), { ...quick, timeout: '1s' });
      const id = await g.send(TO);
      const list = await calls(r, id, 4);
      assert.deepEqual(list.map(c => c.path), ['/sent', '/sent', '/delivered', '/delivered'], 'delivered waits until sent is done');
      assert.equal(list[0].headers['webhook-id'], list[1].headers['webhook-id']);
      assert.equal(list[0].body, list[1].body);
      assert.ok(list[1].at - list[0].at >= 75, `after ${list[1].at - list[0].at} ms`);
      for (const c of list) new Webhook(SECRET).verify(c.body, c.headers);
      await until('nothing pending', async () => await g.metric('pombo_webhooks_pending') === 0);
      assert.deepEqual(await dead(g), []);
      assert.match(await g.timeline(id), /webhook/);
    });
  }

  scenario('200 is 200, even if nothing comes behind it', async w => {
    const { g, r } = await world(w, c => c.half(), { ...quick, timeout: '500ms' });
    const id = await g.send(TO);
    await calls(r, id, 2);
    await never('a second try', () => r.of(id).length > 2, 900);
  });

  scenario('hangs: given up after the time-out, and tried again', async w => {
    const { g, r } = await world(w, once(() => {}), { ...quick, timeout: '400ms' });
    const list = await calls(r, await g.send(TO), 4);
    assert.ok(list[1].at - list[0].at >= 400);
    assert.deepEqual(list.map(c => c.path), ['/sent', '/sent', '/delivered', '/delivered']);
  });

  scenario('429 with Retry-After: not before', async w => {
    const { g, r } = await world(w, once(c => c.answer(429, { 'retry-after': c.path === '/sent' ? '2' : new Date(Date.now() + 2000).toUTCString() })));
    const [a, b, c, d] = await calls(r, await g.send(TO), 4);
    assert.ok(b.at - a.at >= 1950, `${b.at - a.at} ms`);
    assert.ok(d.at - c.at >= 950, `a date, whole seconds: ${d.at - c.at} ms`);
  });

  scenario('nobody listens: tried until somebody does', async w => {
    const { g, r } = await world(w);
    const { port } = r;
    await r.close();
    const id = await g.send(TO);
    await until('failed tries', async () => await g.metric('pombo_webhooks_failed_total') >= 2);
    const calledBack = [];
    const late = http.createServer((req, res) => { calledBack.push(req.url); req.resume(); res.end(); });
    await new Promise(done => late.listen(port, '127.0.0.1', done));
    w.later(() => new Promise(done => { late.closeAllConnections(); late.close(done); }));
    await until('both', () => calledBack.length === 2);
    assert.deepEqual(calledBack, ['/sent', '/delivered']);
    assert.equal((await g.status(id)).deliveredStatusCode, 4);
  });
});

describe('receivers that fail for good', { concurrency: 5 }, () => {
  scenario('410 ends at once; the call is shown as dead and can be replayed', async w => {
    let gone = true;
    const { g, r } = await world(w, c => c.answer(gone && c.path === '/sent' ? 410 : 200));
    const id = await g.send(TO);
    await calls(r, id, 2);
    assert.deepEqual(r.of(id).map(c => c.path), ['/sent', '/delivered'], 'delivered does not wait for the dead');
    await never('a second try', () => r.of(id, '/sent').length > 1, 400);
    const list = await until('the list of the dead', async () => { const l = await dead(g); return l.length && l; });
    assert.equal(list.length, 1);
    assert.ok(JSON.stringify(list[0]).includes(id) && JSON.stringify(list[0]).includes('410'), JSON.stringify(list));
    assert.equal(await g.metric('pombo_webhooks_dead_total'), 1);
    assert.match(await g.timeline(id), /410/);
    gone = false;
    await g.command('webhook', 'replay', id);
    await until('the replay', () => r.of(id, '/sent').length === 2);
    new Webhook(SECRET).verify(r.calls.at(-1).body, r.calls.at(-1).headers);
    await until('nobody dead', async () => (await dead(g)).length === 0);
  });

  scenario('a 4xx for too long, a redirect for too long, a 5xx for too long', async w => {
    const status = { '/sent': [404, {}], '/delivered': [500, {}] };
    const { g, r } = await world(w, c => c.answer(...status[c.path]), { ...quick, give_up: '1s', give_up_client: '1s' });
    const [a, b] = [await g.send(TO), await g.send(number(2))];
    await until('four dead ones', async () => (await dead(g)).length === 4);
    for (const id of [a, b]) {
      const paths = r.of(id).map(c => c.path), first = paths.indexOf('/delivered');
      assert.ok(first >= 2 && paths.slice(first).every(p => p === '/delivered'), 'delivered only after sent was given up');
      assert.ok(r.of(id, '/sent').at(-1).at - r.of(id, '/sent')[0].at >= 300, 'it was tried for most of a second');
    }
    const before = r.calls.length;
    await never('a try for the dead', () => r.calls.length > before, 400);
    status['/sent'] = status['/delivered'] = [200, {}];
    await g.command('webhook', 'replay', '--all');
    await until('all of them', () => r.calls.length === before + 4);
    await until('nobody dead', async () => (await dead(g)).length === 0);
  });

  scenario('a redirect is never followed', async w => {
    const trap = await w.peer(Receiver.listen());
    const { g, r } = await world(w, c => c.answer(307, { location: `${trap.url}/trap` }), { ...quick, give_up_client: '1s' });
    await calls(r, await g.send(TO), 3);
    assert.equal(trap.connections, 0);
  });

  scenario('what is not told yet is told after kill -9', async w => {
    let down = true;
    const { g, r } = await world(w, c => c.answer(down ? 503 : 200));
    const ids = await g.bulk(many(50));
    for (const id of ids) await g.delivered(id, 4);
    await until('failed tries', async () => await g.metric('pombo_webhooks_failed_total') >= 50);
    await g.kill();
    const tried = new Map(ids.map(id => [id, r.of(id)[0].headers['webhook-id']]));
    down = false;
    r.calls.length = 0;
    await g.start();
    for (const id of ids) {
      const list = await until(`what is told of ${id}`, () => r.of(id, '/delivered').length && r.of(id));
      // At least once: a call that was on its way when the gateway died may be among them.
      const of = path => new Set(list.filter(c => c.path === path).map(c => c.headers['webhook-id']));
      assert.deepEqual([...of('/sent')], [tried.get(id)], 'the same call, so that the receiver can tell');
      assert.equal(of('/delivered').size, 1);
      assert.equal(list.at(-1).path, '/delivered');
    }
  });

  scenario('the dead survive a restart', async w => {
    const { g } = await world(w, c => c.answer(410));
    await g.send(TO);
    await until('two dead ones', async () => (await dead(g)).length === 2);
    await g.kill();
    await g.start();
    assert.equal((await dead(g)).length, 2);
  });
});

describe('nobody waits for somebody else\'s receiver', { concurrency: 4 }, () => {
  for (const [name, onCall] of [['hangs', () => {}], ['answers 500', c => c.answer(500)], ['resets', c => c.reset()]]) {
    scenario(`one that ${name} under a load`, async w => {
      const { g, r: bad } = await world(w, onCall, { ...quick, timeout: '30s' });
      const good = await w.peer(Receiver.listen());
      const other = await g.addUser('other');
      await g.command('webhook', 'set', '--username', 'other', '--sent', `${good.url}/sent`, '--delivered', `${good.url}/delivered`);
      await g.bulk(many(1000));
      await until('the bad one is busy', () => bad.calls.length >= 1);
      const began = Date.now(), ids = await g.bulk(many(50), other);
      for (const id of ids) await calls(good, id, 2);
      assert.ok(Date.now() - began < 15000, `${Date.now() - began} ms; a time-out of the bad one is 30 s`);
      assert.ok(await g.metric('pombo_webhooks_pending') >= 1000);
      await g.kill();
    });
  }

  scenario('a user whose receiver is dead still gets and submits as ever', async w => {
    const { g, smsc } = await world(w, c => c.answer(500));
    const ids = await g.bulk(many(500));
    await until('all submitted', () => smsc.submits.length === 500);
    for (const id of ids.slice(-10)) await g.delivered(id, 4);
    await g.kill();
  });
});

describe('private addresses', { concurrency: 5 }, () => {
  scenario('are refused at the moment of connecting, in every spelling', async w => {
    const smsc = await w.peer(Smsc.listen());
    const r = await w.peer(Receiver.listen());
    const g = await w.gateway({ smsc, webhooks: { ...quick, allow: [], give_up: '1s' } });
    const hosts = ['127.0.0.1', 'localhost', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '0.0.0.0', '[::]', '[64:ff9b::7f00:1]', '10.0.0.1', '169.254.169.254', '192.168.1.1', '100.64.0.1', '[fe80::1]', '[fd00::1]'];
    for (const [i, host] of hosts.entries()) {
      const user = await g.addUser(`u${i}`);
      const set = await g.tryCommand('webhook', 'set', '--username', `u${i}`, '--sent', `http://${host}:${r.port}/${i}`);
      if (set.code !== 0) continue; // refused at once: as good
      await g.send(number(i), 'x', {}, user);
    }
    await until('nothing pending', async () => await g.metric('pombo_webhooks_pending') === 0);
    assert.equal(r.connections, 0);
    const list = await dead(g);
    assert.ok(list.length >= 10, `${list.length} dead`);
    for (const d of list) assert.match(JSON.stringify(d), /private|not allowed|loopback|address|resolve/i);
  });

  scenario('a network that the operator names is allowed, its neighbour is not', async w => {
    const smsc = await w.peer(Smsc.listen());
    const [yes, no] = [await w.peer(Receiver.listen({ host: '127.0.0.2' })), await w.peer(Receiver.listen({ host: '127.0.0.3' }))];
    const g = await w.gateway({ smsc, webhooks: { ...quick, allow: ['127.0.0.2/32'], give_up: '1s' } });
    await g.command('webhook', 'set', '--username', 'tester', '--sent', `http://127.0.0.2:${yes.port}/`, '--delivered', `http://127.0.0.3:${no.port}/`);
    const id = await g.send(TO);
    await calls(yes, id, 1);
    await until('the other one given up', async () => (await dead(g)).length === 1);
    assert.equal(no.connections, 0);
    g.configure({ smsc, webhooks: { ...quick, allow: ['127.0.0.2/32', '127.0.0.3/32'] } });
    g.child.kill('SIGHUP');
    await until('reloaded', () => /reload/i.test(g.log()));
    await g.command('webhook', 'replay', id);
    await calls(no, id, 1);
  });

  scenario('no proxy of the environment is used', async w => {
    const smsc = await w.peer(Smsc.listen());
    const [r, proxy] = [await w.peer(Receiver.listen()), await w.peer(Receiver.listen())];
    const env = Object.fromEntries(['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY', 'https_proxy'].map(k => [k, proxy.url]));
    const g = await w.gateway({ smsc, webhook: r.url, env });
    await calls(r, await g.send(TO), 2);
    assert.equal(proxy.connections, 0);
  });
});
