// Dry runs: what is foretold is what then happens to the very same request, field by field and code by code; and asking changes nothing.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const HOUR = 3600000;
const FIELDS = ['destination', 'accepted', 'parts', 'encoding', 'connection', 'carrierId', 'carrierName', 'departsAt', 'units'];
const REFUSED = ['destination', 'accepted', 'sentStatusCode', 'reason', ...FIELDS.slice(2)];

// A number of its own for each message.
let last = 0;
const number = (area = '55119') => `${area}${String(++last).padStart(8, '0')}`;

async function world(w, options = {}) {
  const smsc = await w.peer(Smsc.listen());
  const g = await w.gateway({ connections: [connection(smsc)], ...options });
  for (const c of options.connections ?? [{ name: 'main' }]) if (c.smpp?.[0] !== 'smpp://127.0.0.1:1') await g.up(c.name);
  return { smsc, g };
}

const post = (g, body, user) => g.request('POST', body.messages ? '/v1/send-bulk-sms' : '/v1/send-sms', { body, user });

// What each message is told.
async function foretold(g, body, user) {
  const began = Date.now();
  const r = await post(g, { ...body, dryRun: true }, user);
  assert.equal(r.status, 200, r.text);
  assert.deepEqual(Object.keys(r.json), ['dryRun', 'messages']);
  assert.equal(r.json.dryRun, true);
  assert.ok(!r.text.includes('errorCode'));
  for (const m of r.json.messages) {
    assert.deepEqual(Object.keys(m), m.accepted ? FIELDS : REFUSED);
    if (m.accepted) assert.ok(m.departsAt >= began - 1000, r.text);
    else assert.deepEqual([m.connection, m.departsAt], [null, null]);
  }
  return r.json.messages;
}
const one = async (g, body, user) => {
  const list = await foretold(g, body, user);
  assert.equal(list.length, 1);
  return list[0];
};
const short = m => [m.accepted, m.parts, m.encoding, m.connection, m.units];

// The same request, meant: the ids.
async function meant(g, body, user) {
  const r = await post(g, body, user);
  assert.equal(r.status, 200, r.text);
  return r.json.messages ? r.json.messages.map(m => m.id) : [r.json[0].id];
}

describe('dry runs', { concurrency: 4 }, () => {
  scenario('tell every code that then ends the message, and why', async w => {
    const smsc = await w.peer(Smsc.listen());
    const conns = [connection(smsc), connection(smsc, { name: 'plain', profile: { alphabets: ['ascii'] } })];
    const { g } = await world(w, { connections: conns, routes: [{ prefix: '55', connections: ['main'] }, { prefix: '5521', connections: ['plain'] }, { prefix: '351', class: 'marketing', connections: ['main'] }] });
    const ends = async (code, reason, body, user) => {
      const text = { messageText: 'x', ...body };
      const m = await one(g, text, user);
      assert.deepEqual([m.accepted, m.sentStatusCode, m.reason], [false, code, reason], JSON.stringify(m));
      const [id] = await meant(g, text, user);
      const status = await until(`the end of ${id}`, async () => (await g.statuses([id], user)).get(id)?.sentStatusCode);
      assert.deepEqual([status, (await g.json('message', 'show', id)).reason], [code, reason]);
      return m;
    };
    const user = async (name, ...more) => {
      await g.command('sub-account', 'add', name, ...more);
      return g.addUser(name, ['--sub-account', name]);
    };
    let m = await ends(202, 'bad_number', { destination: 'errorCode' });
    assert.deepEqual([m.destination, m.carrierId, m.carrierName, m.units], ['errorCode', 0, 'UNKNOWN', 0]);
    await ends(202, 'bad_number', { destination: '551130001234' });

    const blocked = number();
    await g.command('block', 'add', blocked);
    m = await ends(203, 'blocked', { destination: blocked });
    assert.deepEqual([m.carrierId, m.carrierName, m.parts, m.encoding, m.units], [1, 'VIVO', 1, 'GSM7', 0]);
    const opted = number();
    await g.command('opt-out', 'add', opted, '--sub-account', 'default');
    await ends(204, 'opted_out', { destination: opted });
    assert.equal((await one(g, { destination: opted, messageText: 'x' }, await user('other'))).accepted, true);
    const abroad = await user('abroad');
    await g.command('sub-account', 'set', 'abroad', '--allow-countries', 'PT');
    await ends(203, 'not_allowed', { destination: number() }, abroad);
    await g.command('words', 'add', 'cassino');
    await ends(207, 'forbidden_words', { destination: number(), messageText: 'o Cassíno' });

    const often = await user('often', '--class', 'marketing', '--per-destination', '1/1h');
    const same = { destination: number(), messageText: 'x' };
    assert.equal((await one(g, same, often)).accepted, true);
    await meant(g, same, often);
    await ends(205, 'message_limit', same, often);
    const broke = await user('broke');
    await g.command('credit', 'set', '--amount', '1', '--sub-account', 'broke');
    m = await ends(201, 'no_credit', { destination: number(), messageText: 'x'.repeat(161) }, broke);
    assert.deepEqual([m.parts, m.units], [2, 2], 'what it lacks');

    await ends(102, 'no_route', { destination: '447400123456' }); // no route's prefix
    await ends(102, 'no_route', { destination: '351912345678' }); // none whose conditions fit
    m = await ends(301, 'text', { destination: '5521990000001', messageText: 'Я 😀' });
    assert.equal(m.units, 0);
    const shut = { destination: number(), timeWindow: [(new Date().getUTCHours() + 12) % 24], timeZone: 'UTC' };
    await ends(101, 'window_shut', { ...shut, expiresAt: Date.now() + 1500 });

    // Several reasons: the first that counts.
    await ends(202, 'bad_number', { destination: '1', messageText: 'cassino' }, broke);
    await ends(203, 'blocked', { destination: blocked, messageText: 'cassino' });
    await ends(207, 'forbidden_words', { ...same, messageText: 'cassino' }, often);
  });

  scenario('tell parts and encoding as the connection makes them', async w => {
    const smsc = await w.peer(Smsc.listen());
    const profile = (name, p) => connection(smsc, { name, profile: p });
    const { g } = await world(w, {
      connections: [profile('main'), profile('folds', { accents: 'fold' }), profile('apart', { join: 'none' }), profile('shifts', { accents: 'single_shift' }), profile('payload', { join: 'payload' })],
      routes: [{ connections: ['main'] }, { prefix: '5521', connections: ['folds'] }, { prefix: '5531', connections: ['apart'] }, { prefix: '5541', connections: ['shifts'] }, { prefix: '5551', connections: ['payload'] }],
    });
    const check = async (area, by, text, parts, encoding) => {
      const destination = number(`${area}9`), body = { destination, messageText: text };
      assert.deepEqual(short(await one(g, body)), [true, parts, encoding, by, parts], `${by}: ${text}`);
      await g.sent((await meant(g, body))[0], 2);
      const seen = await until(`the submits to ${destination}`, () => smsc.to(destination).length && smsc.to(destination));
      if (by === 'payload') return;
      assert.equal(seen.length, parts, text);
      for (const s of seen) assert.equal(s.f.coding === 8, encoding === 'UCS2', text);
    };
    await check('5511', 'main', 'Ola', 1, 'GSM7');
    await check('5511', 'main', 'a'.repeat(160), 1, 'GSM7');
    await check('5511', 'main', 'a'.repeat(161), 2, 'GSM7');
    await check('5511', 'main', '[{€}]'.repeat(16), 1, 'GSM7'); // five that count two
    await check('5511', 'main', `${'€'.repeat(80)}a`, 2, 'GSM7');
    await check('5511', 'main', 'ç'.repeat(70), 1, 'UCS2');
    await check('5511', 'main', 'ç'.repeat(71), 2, 'UCS2');
    await check('5511', 'main', '😀'.repeat(35), 1, 'UCS2');
    await check('5511', 'main', '😀'.repeat(36), 2, 'UCS2');
    await check('5511', 'main', 'a'.repeat(1280), 9, 'GSM7');
    await check('5521', 'folds', 'ação '.repeat(32), 1, 'GSM7');
    await check('5521', 'folds', 'я', 1, 'UCS2');
    await check('5531', 'apart', 'a'.repeat(161), 2, 'GSM7'); // (1/2)
    await check('5541', 'shifts', 'ação', 1, 'GSM7');
    await check('5551', 'payload', 'a'.repeat(200), 2, 'GSM7');
  });

  scenario('templates, params, header and footer count', async w => {
    const { g } = await world(w);
    const { templateId } = await g.json('template', 'add', '--name', 'welcome', '--text', 'Ola {{name}}');
    const long = 'n'.repeat(200);
    assert.deepEqual(short(await one(g, { destination: number(), templateId, params: { name: 'Ana' } })), [true, 1, 'GSM7', 'main', 1]);
    const list = await foretold(g, { templateName: 'welcome', defaultValues: { params: { name: 'Açaí' } }, messages: [{ destination: number() }, { destination: number(), params: { name: long } }, { destination: number(), messageText: 'direto' }] });
    assert.deepEqual(list.map(m => [m.parts, m.encoding]), [[1, 'UCS2'], [2, 'GSM7'], [1, 'GSM7']]);
    await g.command('sub-account', 'set', 'default', '--class', 'marketing', '--footer', 'f'.repeat(20));
    assert.equal((await one(g, { destination: number(), messageText: 'a'.repeat(139) })).parts, 1);
    assert.equal((await one(g, { destination: number(), messageText: 'a'.repeat(140) })).parts, 2);
  });

  scenario('schedules, windows and sending hours tell when it leaves', async w => {
    const { g } = await world(w);
    const at = Math.floor(Date.now() / 1000) * 1000 + 2 * HOUR;
    for (const fields of [{ scheduledAt: at }, { scheduledAt: at / 1000 }, { scheduledDate: new Date(at).toISOString().slice(0, 19), timeZone: 'UTC' }]) {
      const body = { destination: number(), messageText: 'x', ...fields };
      const m = await one(g, body);
      assert.deepEqual([m.departsAt, ...short(m)], [at, true, 1, 'GSM7', 'main', 1]);
      assert.equal(Date.parse((await g.json('message', 'show', (await meant(g, body))[0])).notBefore), m.departsAt);
    }
    const hour = (new Date().getUTCHours() + 3) % 24;
    const opens = Math.floor(Date.now() / HOUR) * HOUR + 3 * HOUR;
    assert.equal((await one(g, { destination: number(), messageText: 'x', timeWindow: [hour], timeZone: 'UTC' })).departsAt, opens);
    assert.equal((await one(g, { destination: number(), messageText: 'x', timeWindow: [hour], timeZone: 'UTC', scheduledAt: opens + 60000 })).departsAt, opens + 60000);
    const now = Date.now();
    const m = await one(g, { destination: number(), messageText: 'x', scheduledAt: 1 });
    assert.ok(m.departsAt >= now - 1000 && m.departsAt <= Date.now() + 1000, 'a schedule in the past means now');
    // Marketing of a sub-account that sends on one day of the week only, which is not today (in Sao Paulo).
    const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
    const there = new Date(Date.now() - 3 * HOUR);
    await g.command('sub-account', 'set', 'default', '--class', 'marketing', '--sending-hours', `${days[(there.getUTCDay() + 2) % 7]}=8-20`);
    const midnight = Date.UTC(there.getUTCFullYear(), there.getUTCMonth(), there.getUTCDate());
    assert.equal((await one(g, { destination: number(), messageText: 'x' })).departsAt, midnight + 48 * HOUR + 8 * HOUR + 3 * HOUR);
  });

  scenario('credit is told in units, spent in the order of the request', async w => {
    const { g } = await world(w, { credit: { prices: [{ prefix: '351', units: 3 }, { prefix: '4474', units: 0 }] } });
    const body = {
      messageText: 'x', messages: [
        { destination: number() }, { destination: number(), messageText: 'x'.repeat(161) }, { destination: '351912345678' }, { destination: '447400123456' }, { destination: number() }, { destination: number(), delayedInMinutes: 60 },
      ],
    };
    const units = async () => (await foretold(g, body)).map(m => m.sentStatusCode ?? m.units);
    assert.deepEqual(await units(), [1, 2, 3, 0, 1, 1], 'without a limit too');
    await g.command('credit', 'set', '--amount', '5', '--sub-account', 'default');
    assert.deepEqual(await units(), [1, 2, 201, 0, 1, 1], 'what leaves later is charged later');
    assert.equal((await foretold(g, body))[2].units, 3);
    await g.command('credit', 'set', '--amount', '2');
    assert.deepEqual(await units(), [1, 201, 201, 0, 1, 1], 'the account\'s counts too');
    const ids = await meant(g, { ...body, messages: body.messages.slice(0, 5) });
    const codes = [];
    for (const id of ids) codes.push((await g.status(id)).sentStatusCode);
    assert.deepEqual(codes, [2, 201, 201, 2, 2]);
    const shown = async (...args) => { const c = await g.json('credit', 'show', ...args); return [c.balance, c.reserved]; };
    await until('the balances', async () => (await shown()).join() === '0,0' && (await shown('--sub-account', 'default')).join() === '3,0');
  });

  scenario('the connection is the one that takes it: weights, fail-over, none', async w => {
    const [a, b] = [await w.peer(Smsc.listen()), await w.peer(Smsc.listen())];
    const { g } = await world(w, {
      connections: [connection(a, { name: 'a' }), connection(b, { name: 'b' }), connection('smpp://127.0.0.1:1', { name: 'down' })],
      routes: [{ connections: [{ name: 'a', weight: 3 }, { name: 'b', weight: 1 }] }, { prefix: '5521', connections: ['down'] }, { prefix: '5531', connections: [{ name: 'down', weight: 1 }, { name: 'b', weight: 0 }] }],
    });
    const messages = Array.from({ length: 8 }, () => ({ destination: number() }));
    const told = await foretold(g, { messages, messageText: 'x' });
    assert.deepEqual((await foretold(g, { messages, messageText: 'x' })).map(m => m.connection), told.map(m => m.connection), 'asking takes no turn');
    assert.equal(told.filter(m => m.connection === 'a').length, 6);
    for (const [i, m] of messages.entries()) {
      await g.sent((await meant(g, { ...m, messageText: 'x' }))[0], 2);
      assert.deepEqual([a.to(m.destination).length, b.to(m.destination).length], told[i].connection === 'a' ? [1, 0] : [0, 1], `message ${i}`);
    }
    assert.deepEqual(short(await one(g, { destination: number('55219'), messageText: 'x' })), [true, 1, 'GSM7', null, 1], 'it would wait');
    assert.equal((await one(g, { destination: number('55319'), messageText: 'x' })).connection, 'b', 'the one for failures');
    await g.command('connection', 'pause', 'a');
    assert.equal((await one(g, { destination: number(), messageText: 'x' })).connection, 'b');
    await g.command('connection', 'resume', 'a');
  });

  scenario('what is refused as a whole is refused in the very same way', async w => {
    const { g } = await world(w);
    await g.command('account', 'set', 'default', '--campaigns', 'closed');
    const { stdout } = await g.command('user', 'add', '--username', 'root', '--email', 'root@example.com', '--role', 'administrator');
    const admin = { username: 'root', authenticationtoken: /token: (\S+)/.exec(stdout)[1] };
    const same = async (body, status, user) => {
      const [dry, wet] = [await post(g, { ...body, dryRun: true }, user), await post(g, body, user)];
      assert.deepEqual([dry.status, dry.json], [wet.status, wet.json]);
      assert.equal(dry.status, status, dry.text);
    };
    const to = number();
    for (const fields of [{}, { messageText: 'x'.repeat(1281) }, { messageText: 7 }, { templateId: 99 }, { flowId: '14f8142d-e731-4971-8220-5a76a12c413f' }, { messageText: 'x', timeZone: 'Mars/Olympus' }, { messageText: 'x', expiresAt: 1 }, { messageText: 'x', campaignAlias: 'new' },
      { messageText: 'x', scheduledAt: 1, delayedInMinutes: 1 }, { messageText: 'x', timeWindow: [24] }]) {
      await same({ destination: to, ...fields }, 400);
      await same({ messages: [{ destination: to, ...fields }] }, 400);
    }
    await same({ messageText: 'x' }, 400);
    await same({ messages: [], messageText: 'x' }, 400);
    await same({ destination: to, messageText: 'x', subAccount: 'default' }, 403);
    await same({ destination: to, messageText: 'x', subAccount: 'nobody' }, 400, admin);
    await same({ destination: to, messageText: 'x' }, 401, { username: 'tester', authenticationtoken: 'wrong' });
    // A part of a bulk cannot be dry.
    for (const [body, field] of [[{ messages: [{ destination: to, dryRun: true }], messageText: 'x' }, 'messages[0].dryRun'], [{ messages: [{ destination: to }], messageText: 'x', defaultValues: { dryRun: true } }, 'defaultValues.dryRun']]) {
      const r = await post(g, body);
      assert.deepEqual([r.status, r.json.errorMessage], [400, `${field}: only allowed at the root of the request`]);
    }
    for (const dryRun of [1, 'yes', [], {}]) {
      const r = await post(g, { destination: to, messageText: 'x', dryRun });
      assert.deepEqual([r.status, r.json.errorMessage], [400, 'dryRun: must be true or false']);
    }
    const query = `/v1/send-sms?destination=${to}&messageText=x&dryRun=`;
    for (const [value, status] of [['1', 400], ['true&dryRun=true', 400], ['true', 200], ['TRUE', 200]]) assert.equal((await g.request('GET', query + value)).status, status, value);
    assert.deepEqual(await g.json('message', 'search'), []);
    // false, "" and null are as if it was not there.
    for (const dryRun of [false, 'false', '', null]) assert.ok((await post(g, { destination: to, messageText: 'x', dryRun })).json[0].id);
    assert.ok((await g.request('GET', `${query}false`)).json[0].id);
    // Too fast is told with the same 429, and asking uses nothing up.
    await g.command('sub-account', 'set', 'default', '--velocity', '3/1h');
    const bulk = n => ({ messages: Array.from({ length: n }, () => ({ destination: to })), messageText: 'x' });
    for (let i = 0; i < 20; i++) await foretold(g, bulk(3));
    await meant(g, bulk(3));
    await same(bulk(1), 429);
    await same(bulk(4), 429);
    const r = await post(g, { ...bulk(1), dryRun: true });
    assert.ok(Number(r.headers['retry-after']) > 1000 && Number(r.headers['retry-after']) <= 1200, r.headers['retry-after']);
  });

  scenario('asking fifty times changes nothing, and then it goes as foretold', async w => {
    const receiver = await w.peer(Receiver.listen());
    const { smsc, g } = await world(w, { webhook: receiver.url });
    await g.command('sub-account', 'set', 'default', '--class', 'marketing', '--per-destination', '2/1h', '--velocity', '6/1h');
    await g.command('credit', 'set', '--amount', '9');
    const [first, second] = [number(), number()];
    const before = await meant(g, { destination: first, messageText: 'before' });
    await g.delivered(before[0], 4);
    await until('its calls', () => receiver.of(before[0], '/delivered').length);
    await until('its charge', async () => (await g.json('credit', 'show')).balance === 8);
    const listed = async () => (await g.request('GET', '/v1/sms/status/list')).json;
    assert.equal((await listed()).total, 1);
    // Requests and what is measured of them are meant to change; so is the disk's, and what ages.
    const meters = async () => (await g.request('GET', '/metrics')).text.split('\n').filter(l => l && !/^#|pombo_(http_|requests_|store_wal)/.test(l));
    const all = async () => ({
      messages: await g.json('message', 'search'), credit: await g.json('credit', 'show'), ledger: await g.json('credit', 'ledger'), campaigns: await g.json('campaign', 'list'),
      statuses: [...(await g.statuses(before)).values()], calls: receiver.calls.length, submits: smsc.submits.length, meters: await meters(),
    });
    // Until nothing moves by itself any more. Gauges are told once a second: these say that they have been since the last call ended.
    await until('its gauges', async () => { const t = (await meters()).join('\n'); return /pombo_connection_up\{.*\} 1$/m.test(t) && /pombo_webhook_backlog\{.*\} 0$/m.test(t); });
    let still = await all();
    await until('quiet', async () => { const was = still; still = await all(); return JSON.stringify(was) === JSON.stringify(still); });

    const body = {
      messageText: 'Ola {{n}}', params: { n: 1 }, campaignAlias: 'Natal', messages: [
        { destination: first }, { destination: first }, { destination: second, messageText: 'x'.repeat(400), correlationId: 'c' }, { destination: second, messageText: 'x'.repeat(700) }, { destination: '12' },
      ],
    };
    const told = await foretold(g, body);
    const forget = list => list.map(m => ({ ...m, departsAt: m.departsAt === null ? null : 0 }));
    for (let i = 0; i < 50; i++) {
      const r = await g.request('POST', '/v1/send-bulk-sms', { body: { ...body, dryRun: true }, headers: i % 2 ? { 'Idempotency-Key': 'k' } : {} });
      assert.deepEqual(forget(r.json.messages), forget(told));
    }
    assert.deepEqual(await all(), still);
    assert.equal((await listed()).total, 0);
    assert.deepEqual(told.map(m => [m.sentStatusCode ?? 2, m.parts, m.units]), [[2, 1, 1], [205, 1, 0], [2, 3, 3], [201, 5, 5], [202, 1, 0]]);

    // The very same, meant; the key was not used up.
    const r = await g.request('POST', '/v1/send-bulk-sms', { body, headers: { 'Idempotency-Key': 'k' } });
    assert.equal(r.status, 200, r.text);
    const codes = [];
    for (const m of r.json.messages) codes.push((await g.status(m.id)).sentStatusCode);
    assert.deepEqual(codes, told.map(m => m.sentStatusCode ?? 2));
    await until('the charge', async () => (await g.json('credit', 'show')).balance === 4);
    assert.deepEqual([smsc.to(first).length, smsc.to(second).length], [2, 3]);
    assert.deepEqual((await g.json('campaign', 'list')).map(c => c.campaignAlias ?? c.alias), ['Natal']);
    assert.deepEqual((await g.json('message', 'search')).length, 6);
    // A dry run with a key that was used says what would be, as if there were none.
    assert.equal((await post(g, { ...body, messages: body.messages.slice(0, 1), dryRun: true })).status, 429, 'six in an hour');
  });
});
