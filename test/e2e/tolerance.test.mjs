// What is tolerated of callers, what fits at the limits, and which level of a bulk wins, field by field; seen at the carrier, in answers
// and statuses.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { World, connection, until, within } from './peers/gateway.mjs';
import { Smsc, smpp } from './peers/smsc.mjs';

const w = new World();
const it = within(w);
let user, g, smsc;

const request = (method, path, options = {}) => g.request(method, path, { user, ...options });
const single = fields => request('POST', '/v1/send-sms', { body: { messageText: 'x', ...fields } });
const bulk = body => request('POST', '/v1/send-bulk-sms', { body });
const query = fields => request('GET', `/v1/send-sms?${new URLSearchParams({ messageText: 'x', ...fields })}`);
const ok = r => { assert.equal(r.status, 200, r.text); return r.json; };
const show = id => g.json('message', 'show', id);
// Each message goes to a number of its own.
let last = 0;
const number = () => `55119${String(++last).padStart(8, '0')}`;
const seen = to => until(`a submit to ${to}`, () => smsc.to(to)[0]);
const text = s => (s.f.coding & 8 ? Buffer.from(s.f.text).swap16().toString('utf16le') : smpp.encodings.ASCII.decode(s.f.text)); // its ASCII is GSM 03.38

before(async () => {
  smsc = await w.peer(Smsc.listen());
  g = await w.gateway({ user: false, connections: [connection(smsc)] });
  user = await g.addUser('regular');
  await g.up();
});
after(() => w.end());

describe('what is tolerated', () => {
  it('a destination in any spelling, and as a number; it is echoed as written', async () => {
    for (const [spelling, digits] of [['+55 (11) 9 9000-0001', '5511990000001'], ['005511990000002', '5511990000002'], [5511990000003, '5511990000003'], [' 5511.990000004 ', '5511990000004'], ['551190000005', '5511990000005']]) {
      const id = ok(await single({ destination: spelling }))[0].id;
      assert.equal((await g.sent(id, 2)).destination, String(spelling));
      assert.equal((await seen(digits)).to, digits);
    }
    const id = ok(await query({ destination: '+55 11 99000-0006' }))[0].id;
    assert.equal((await g.sent(id, 2)).destination, '+55 11 99000-0006');
    // A plus sign that the caller did not escape has become a blank.
    assert.equal((await g.sent(ok(await request('GET', '/v1/send-sms?destination=+5511990000007&messageText=x'))[0].id, 2)).destination, ' 5511990000007');
  });

  it('a correlationId as a number; it is echoed as a string', async () => {
    for (const [given, echoed] of [[1876, '1876'], [-7, '-7'], ['0', '0'], [0, '0'], [9007199254740993n, '9007199254740993']]) {
      const body = `{"destination":"${number()}","messageText":"x","correlationId":${typeof given === 'string' ? JSON.stringify(given) : given}}`;
      assert.equal(ok(await request('POST', '/v1/send-sms', { body }))[0].correlationId, echoed);
    }
    assert.equal(ok(await query({ destination: number(), correlationId: 12 }))[0].correlationId, '12');
  });

  it('no correlationId, and an empty one: none is echoed', async () => {
    for (const correlationId of [undefined, null, '']) assert.deepEqual(Object.keys(ok(await single({ destination: number(), correlationId }))[0]), ['id']);
    assert.deepEqual(Object.keys(ok(await query({ destination: number(), correlationId: '' }))[0]), ['id']);
    const r = ok(await bulk({ messageText: 'x', messages: [{ destination: number() }, { destination: number(), correlationId: 'b' }, { destination: number(), correlationId: '' }] }));
    assert.deepEqual(r.messages.map(m => m.correlationId), [undefined, 'b', undefined]);
    assert.equal((await g.status(r.messages[0].id)).correlationId, r.messages[0].id, 'in a status the id stands for it');
  });

  it('flash as a boolean or a word, under either name, in a body or a query', async () => {
    const coding = async (fields, send = single) => {
      const destination = number();
      ok(await send({ destination, ...fields }));
      return (await seen(destination)).f.coding;
    };
    for (const value of [true, 'true', 'TRUE']) {
      for (const name of ['flashSMS', 'flashSms']) assert.equal(await coding({ [name]: value }), 0x10);
    }
    for (const value of [false, 'false', null, '']) assert.equal(await coding({ flashSMS: value }), 0);
    for (const name of ['flashSMS', 'flashSms']) assert.equal(await coding({ [name]: 'true' }, query), 0x10);
    assert.equal(await coding({ flashSMS: 'false' }, query), 0);
  });

  it('null and empty strings are as if not given', async () => {
    const r = await single({ destination: number(), correlationId: '', extraInfo: null, flashSMS: null, subAccount: '', timeWindow: null, expiresAt: null, scheduledDate: null, timeZone: null, templateId: null, flowId: null, params: null, campaignAlias: null });
    assert.deepEqual(Object.keys(ok(r)[0]), ['id']);
    assert.equal((await g.status(r.json[0].id)).extraInfo, '');
  });

  it('unknown fields and parameters are ignored', async () => {
    ok(await single({ destination: number(), callback: 'f', _: 1, unknown: { a: [1] } }));
    ok(await query({ destination: number(), callback: 'jQuery1', _: '1699999999999' }));
    ok(await bulk({ messages: [{ destination: number(), unknown: 1 }], messageText: 'x', more: [] }));
  });

  it('numbers and dates of time as strings, and under either name', async () => {
    const at = Date.now() + 7200000, date = new Date(at).toISOString().slice(0, 19);
    for (const fields of [{ scheduledAt: at }, { scheduledAt: String(at) }, { scheduledAt: Math.floor(at / 1000) }, { scheduledDate: date, timeZone: 'UTC' }, { scheduleDate: date, timeZone: 'UTC' }, { delayedInMinutes: 120 }, { delayedInMinutes: '120' }]) {
      const m = await show(ok(await single({ destination: number(), ...fields }))[0].id);
      assert.ok(Math.abs(Date.parse(m.notBefore) - at) < 60000, `${JSON.stringify(fields)}: ${m.notBefore}`);
      const q = await show(ok(await query({ destination: number(), ...fields }))[0].id);
      assert.ok(Math.abs(Date.parse(q.notBefore) - at) < 60000, `${JSON.stringify(fields)}: ${q.notBefore}`);
    }
  });

  it('hours in a query: repeated, with commas, in brackets', async () => {
    for (const window of ['timeWindow=11&timeWindow=12', 'timeWindow=11,12', 'timeWindow=[11,12]', 'timeWindow=%5B11%2C%2012%5D']) {
      const r = await request('GET', `/v1/send-sms?destination=${number()}&messageText=x&${window}`);
      assert.deepEqual((await show(ok(r)[0].id)).timeWindow, [11, 12], window);
    }
  });

  it('params in a query: as JSON, and in brackets', async () => {
    for (const params of ['params=%7B%22name%22%3A%22Ana%22%7D', 'params[name]=Ana', 'params%5Bname%5D=Ana']) {
      const to = number();
      ok(await request('GET', `/v1/send-sms?destination=${to}&messageText=Ola+{{name}}&${params}`));
      assert.equal(text(await seen(to)), 'Ola Ana');
    }
  });

  it('params that do not fit flag the message, and it is sent', async () => {
    const to = number();
    const id = ok(await single({ destination: to, messageText: 'Ola {{name}}, {{code}}', params: { name: 'Ana', other: 1 } }))[0].id;
    assert.deepEqual((await g.delivered(id, 4)).invalidParams, ['code', 'other']);
    assert.equal(text(await seen(to)), 'Ola Ana, ');
  });

  it('no timeZone: the user\'s, else the sub-account\'s, the account\'s, its country\'s, UTC', async () => {
    const date = new Date(Date.now() + 2 * 86400000).toISOString().slice(0, 19);
    const behind = async () => (Date.parse((await show(ok(await single({ destination: number(), scheduledDate: date }))[0].id)).notBefore) - Date.parse(`${date}Z`)) / 3600000;
    assert.equal(await behind(), 0);
    for (const [hours, ...args] of [[3, 'account', 'set', 'default', '--country', 'BR'], [2, 'account', 'set', 'default', '--time-zone', '-0200'], [1, 'sub-account', 'set', 'default', '--time-zone', '-01:00'],
      [-5.75, 'user', 'set', 'regular', '--time-zone', 'Asia/Kathmandu']]) {
      await g.command(...args);
      assert.equal(await behind(), hours, args.join(' '));
    }
    assert.equal((Date.parse((await show(ok(await single({ destination: number(), scheduledDate: `${date}+09:00` }))[0].id)).notBefore) - Date.parse(`${date}Z`)) / 3600000, -9, 'an offset wins');
    for (const args of [['user', 'set', 'regular'], ['sub-account', 'set', 'default'], ['account', 'set', 'default']]) await g.command(...args, '--time-zone', 'none');
  });

  it('dryRun says what would happen, and nothing does', async () => {
    const [first, second] = [number(), number()];
    const before = await g.metric('pombo_messages_accepted_total');
    for (const r of [await single({ destination: first, dryRun: true }), await query({ destination: first, dryRun: 'true' }), await bulk({ messages: [{ destination: first }, { destination: second }], messageText: 'x', dryRun: true })]) {
      assert.deepEqual(Object.keys(ok(r)), ['dryRun', 'messages']);
      assert.equal(r.json.dryRun, true);
      for (const m of r.json.messages) {
        assert.deepEqual(Object.keys(m), ['destination', 'accepted', 'parts', 'encoding', 'connection', 'carrierId', 'carrierName', 'departsAt', 'units']);
        assert.deepEqual([m.accepted, m.parts, m.encoding, m.connection, m.carrierId, m.carrierName, m.units], [true, 1, 'GSM7', 'main', 1, 'VIVO', 1]);
      }
    }
    assert.equal(await g.metric('pombo_messages_accepted_total'), before);
    assert.equal(smsc.to(first).length, 0);
  });

  it('a number that cannot be a mobile is accepted and ends in 202', async () => {
    for (const destination of ['123', 'abc', '551130001234', '0', '5511900000001234567']) {
      const r = await single({ destination });
      assert.equal((await g.sent(ok(r)[0].id, 202)).sentStatus, 'INVALID_DESTINATION_NUMBER');
    }
  });

  it('credentials: names in any case, the mail address for the name, in a query of GET', async () => {
    const { username, authenticationtoken: token } = user;
    for (const headers of [{ username, authenticationtoken: token }, { UserName: username, AuthenticationToken: token }, { USERNAME: 'regular@example.com', AUTHENTICATIONTOKEN: token }]) {
      ok(await request('POST', '/v1/send-sms', { user: {}, headers, body: { destination: number(), messageText: 'x' } }));
      ok(await request('GET', `/v1/send-sms?destination=${number()}&messageText=x`, { user: {}, headers }));
    }
    for (const names of [['username', 'authenticationToken'], ['userName', 'authenticationtoken'], ['USERNAME', 'AUTHENTICATIONTOKEN']]) {
      const credentials = new URLSearchParams({ [names[0]]: username, [names[1]]: token });
      ok(await request('GET', `/v1/send-sms?destination=${number()}&messageText=x&${credentials}`, { user: {} }));
    }
    assert.ok(!g.log().includes(token), 'no log has it');
  });
});

describe('up to the limit', () => {
  // Characters outside the basic plane count one each, and come back whole.
  const c = '😀';

  it('the longest texts and names', async () => {
    const fields = { messageText: c.repeat(1280), correlationId: c.repeat(64), extraInfo: c.repeat(255) };
    for (const send of [single, query]) {
      const destination = number();
      const [{ id, correlationId }] = ok(await send({ destination, ...fields }));
      assert.equal(correlationId, fields.correlationId);
      const s = await g.delivered(id, 4);
      assert.deepEqual([s.correlationId, s.extraInfo], [fields.correlationId, fields.extraInfo]);
      assert.equal((await show(id)).text, fields.messageText);
      const parts = smsc.to(destination).map(p => Buffer.from(p.f.text.subarray(p.f.text[0] + 1)).swap16().toString('utf16le'));
      assert.equal(parts.join(''), fields.messageText);
    }
    ok(await single({ destination: `+${'('.repeat(50)}${number()}` }));
  });

  it('a text is counted as it will be sent: composed', async () => {
    const id = ok(await single({ destination: number(), messageText: 'e\u0301'.repeat(1280) }))[0].id;
    assert.equal((await show(id)).text, 'é'.repeat(1280));
  });

  it('a bulk of one, and of a thousand, answered in order', async () => {
    assert.equal(ok(await bulk({ messages: [{ destination: number(), messageText: 'x' }] })).messages.length, 1);
    const messages = Array.from({ length: 1000 }, (_, i) => ({ destination: number(), correlationId: i }));
    const r = ok(await bulk({ messages, messageText: 'x' }));
    assert.deepEqual(r.messages.map(m => m.correlationId), messages.map(m => String(m.correlationId)));
  });

  it('hours, zones and times at their edges', async () => {
    const id = ok(await single({ destination: number(), timeWindow: [0, 23], timeZone: '-0100', scheduledAt: Date.now() + 364 * 86400000, expiresInMinutes: 365 * 1440 }))[0].id;
    const m = await show(id);
    assert.deepEqual([m.timeWindow, m.timeZone], [[0, 23], '-01:00']);
  });
});

describe('a bulk takes each field from the message, else from defaultValues, else from the root', () => {
  // Three messages: with the field, without it, and without it where defaultValues have none either.
  const three = async (field, own, middle, top, more = {}) => {
    const to = [number(), number(), number()];
    const send = (messages, defaultValues) => bulk({ messageText: 'x', ...more, messages, ...(defaultValues ? { defaultValues } : {}), [field]: top });
    const a = ok(await send([{ destination: to[0], [field]: own }, { destination: to[1] }], { [field]: middle }));
    const b = ok(await send([{ destination: to[2] }]));
    return [...a.messages, ...b.messages].map((m, i) => ({ ...m, to: to[i] }));
  };
  const each = async (list, fn) => { const out = []; for (const m of list) out.push(await fn(m)); return out; };

  it('messageText', async () => {
    const list = await three('messageText', 'message', 'default', 'root');
    assert.deepEqual(await each(list, async m => text(await seen(m.to))), ['message', 'default', 'root']);
  });

  it('correlationId', async () => {
    const list = await three('correlationId', 'message', 'default', 'root');
    assert.deepEqual(list.map(m => m.correlationId), ['message', 'default', 'root']);
  });

  it('extraInfo', async () => {
    const list = await three('extraInfo', 'message', 'default', 'root');
    assert.deepEqual(await each(list, async m => (await g.status(m.id)).extraInfo), ['message', 'default', 'root']);
  });

  it('flashSMS', async () => {
    const coding = list => each(list, async m => (await seen(m.to)).f.coding);
    assert.deepEqual(await coding(await three('flashSMS', false, true, true)), [0, 0x10, 0x10]);
    assert.deepEqual(await coding(await three('flashSMS', 'true', 'false', 'true')), [0x10, 0, 0x10]);
  });

  it('destination', async () => {
    const [a, b, c] = [number(), number(), number()];
    ok(await bulk({ messages: [{ destination: a }, {}], defaultValues: { destination: b }, destination: c, messageText: 'x' }));
    ok(await bulk({ messages: [{}], destination: c, messageText: 'x' }));
    for (const to of [a, b, c]) await seen(to);
    assert.deepEqual([a, b, c].map(to => smsc.to(to).length), [1, 1, 1]);
  });

  it('an empty value is none', async () => {
    const list = await three('extraInfo', '', null, 'root');
    assert.deepEqual(await each(list, async m => (await g.status(m.id)).extraInfo), ['root', 'root', 'root']);
  });

  it('scheduledAt, scheduledDate, delayedInMinutes', async () => {
    const at = hours => Date.now() + hours * 3600000, iso = hours => new Date(at(hours)).toISOString().slice(0, 19);
    const hours = m => Math.round((Date.parse(m.notBefore) - Date.now()) / 3600000);
    for (const value of [['scheduledAt', at(1), at(2), at(3)], ['scheduledDate', iso(1), iso(2), iso(3)], ['delayedInMinutes', 60, 120, 180]]) {
      assert.deepEqual(await each(await three(...value, { timeZone: 'UTC' }), async m => hours(await show(m.id))), [1, 2, 3], value[0]);
    }
    // Another of the group at a nearer level takes its place.
    const r = ok(await bulk({ messages: [{ destination: number(), delayedInMinutes: 60 }, { destination: number() }], defaultValues: { scheduledAt: at(2) }, scheduledDate: iso(3), messageText: 'x' }));
    assert.deepEqual(await each(r.messages, async m => hours(await show(m.id))), [1, 2]);
  });

  it('expiresAt, expiresDate, expiresInMinutes', async () => {
    const at = hours => Date.now() + hours * 3600000, iso = hours => new Date(at(hours)).toISOString().slice(0, 19);
    const hours = m => Math.round((Date.parse(m.expiresAt) - Date.now()) / 3600000);
    for (const value of [['expiresAt', at(1), at(2), at(3)], ['expiresDate', iso(1), iso(2), iso(3)], ['expiresInMinutes', 60, 120, 180]]) {
      assert.deepEqual(await each(await three(...value, { timeZone: 'UTC' }), async m => hours(await show(m.id))), [1, 2, 3], value[0]);
    }
  });

  it('timeWindow', async () => {
    assert.deepEqual(await each(await three('timeWindow', [1], [2], [3]), async m => (await show(m.id)).timeWindow), [[1], [2], [3]]);
  });

  it('timeZone', async () => {
    const list = await three('timeZone', 'America/Sao_Paulo', '+03:00', 'UTC', { timeWindow: [1] });
    assert.deepEqual(await each(list, async m => (await show(m.id)).timeZone), ['America/Sao_Paulo', '+03:00', 'UTC']);
  });

  it('campaignAlias', async () => {
    assert.deepEqual(await each(await three('campaignAlias', 'message', 'default', 'root'), async m => (await show(m.id)).campaign), ['message', 'default', 'root']);
  });

  it('templateId, templateName', async () => {
    for (const [i, name] of ['eins', 'zwei', 'drei'].entries()) await g.command('template', 'add', '--name', name, '--text', name, '--id', String(i + 10));
    const none = { messageText: undefined };
    for (const value of [['templateId', 10, 11, 12], ['templateName', 'eins', 'zwei', 'drei']]) {
      assert.deepEqual(await each(await three(...value, none), async m => text(await seen(m.to))), ['eins', 'zwei', 'drei']);
    }
  });

  it('flowId', async () => {
    const ids = [1, 2, 3].map(n => `14f8142d-e731-4971-8220-5a76a12c413${n}`);
    for (const id of ids) await g.command('flow', 'add', '--id', id, '--text', `flow ${id.at(-1)}`);
    assert.deepEqual(await each(await three('flowId', ...ids, { messageText: undefined }), async m => text(await seen(m.to))), ['flow 1', 'flow 2', 'flow 3']);
  });

  it('params, name by name', async () => {
    const list = await three('params', { a: 'message' }, { a: 'default', b: 'default' }, { a: 'root', b: 'root', c: 'root' }, { messageText: '{{a}} {{b}} {{c}}' });
    assert.deepEqual(await each(list, async m => text(await seen(m.to))), ['message default root', 'default default root', 'root root root']);
  });
});
