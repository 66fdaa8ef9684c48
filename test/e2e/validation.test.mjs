// Bad input through the real gateway: each rule with its exact status, errorMessage and field path, on every way in, and without any
// effect.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import net from 'node:net';
import { World, connection, scenario, until, within } from './peers/gateway.mjs';
import { Smsc } from './peers/smsc.mjs';

const TO = '5511900000001';
const SENDS = ['/v1/send-sms', '/v1/send-bulk-sms'];
const w = new World();
const it = within(w);
const user = {};
let g, smsc;

const request = (method, path, options = {}) => g.request(method, path, { user: user.regular, ...options });
const single = (fields, who = user.regular) => request('POST', '/v1/send-sms', { body: { destination: TO, messageText: 'x', ...fields }, user: who });
const bulk = (body, who = user.regular) => request('POST', '/v1/send-bulk-sms', { body, user: who });
const query = (fields, who = user.regular) => request('GET', `/v1/send-sms?${new URLSearchParams({ destination: TO, messageText: 'x', ...fields })}`, { user: who });
// An answer that refuses: its status and the body with nothing else in it.
function refused(r, status, message, errors) {
  assert.equal(r.status, status, r.text);
  assert.deepEqual(r.json, { errorCode: status, errorMessage: message, ...(errors ? { errors } : {}) });
  assert.match(r.headers['content-type'], /^application\/json/);
}
const fault = (r, field, rule) => refused(r, 400, `${field}: ${rule}`);
const ok = r => { assert.equal(r.status, 200, r.text); return r.json; };
// The fields at each level of each request: the same fault, with the path of where it stands.
async function everywhere(fields, field, rule) {
  const m = { destination: TO, messageText: 'x' };
  fault(await single(fields), field, rule);
  fault(await bulk({ messages: [m, { ...m, ...fields }] }), `messages[1].${field}`, rule);
  fault(await bulk({ messages: [m], defaultValues: fields }), `defaultValues.${field}`, rule);
  fault(await bulk({ messages: [m], ...fields }), field, rule);
}

// Octets as they are; the answer.
const credentials = () => `username: ${user.regular.username}\r\nauthenticationtoken: ${user.regular.authenticationtoken}\r\n`;
function raw(head, body) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(g.url);
    const socket = net.connect(Number(port), hostname);
    let answer = '';
    socket.setTimeout(20000, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
    socket.setEncoding('utf8').on('data', c => { answer += c; }).on('close', () => {
      const [, status, json] = /^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n([^]*)$/.exec(answer) ?? [];
      resolve({ status: Number(status), json: json && JSON.parse(json) });
    });
    socket.write(head);
    if (body) socket.write(body);
  });
}

async function addUser(name, ...more) {
  const { token } = await g.json('user', 'add', '--username', name, '--email', `${name}@example.com`, ...more);
  return { username: name, authenticationtoken: token };
}

before(async () => {
  smsc = await w.peer(Smsc.listen());
  g = await w.gateway({ user: false, connections: [connection(smsc)] });
  g.user = user.regular = await addUser('regular', '--role', 'regular');
  user.admin = await addUser('admin', '--role', 'administrator');
  user.platform = await addUser('keeper', '--role', 'platform');
  await g.command('sub-account', 'add', 'shop');
  await g.up();
});
after(() => w.end());

describe('what is refused has no effect', () => {
  after(async () => {
    assert.equal(await g.metric('pombo_messages_accepted_total'), 0);
    assert.equal(smsc.submits.length, 0);
  });

  it('malformed JSON', async () => {
    const good = `{"destination":"${TO}","messageText":"x"`;
    const bad = ['{', good, `${good},}`, `{'destination':'${TO}'}`, `${good}} {}`, `${good},"destination":"2"}`, `${good},"extraInfo":"\\u0000"}`, `${good},"extraInfo":"\\ud800"}`,
      `${good},"extraInfo":"\\x"}`, `${good},"extraInfo":"a\nb"}`, `${good},"correlationId":01}`, `${good},"correlationId":NaN}`, `${good},"a":${'['.repeat(2000)}${']'.repeat(2000)}}`, 'x', '//'];
    for (const path of [...SENDS, '/v1/sms/status/search']) {
      for (const body of bad) {
        const r = await request('POST', path, { body });
        assert.deepEqual([r.status, Object.keys(r.json), r.json.errorCode], [400, ['errorCode', 'errorMessage'], 400], body);
        assert.match(r.json.errorMessage, /^malformed JSON: \S/, body);
      }
    }
    for (const path of SENDS) refused(await request('POST', path, { body: '' }), 400, 'the request has no body');
    for (const path of [...SENDS, '/v1/sms/status/search']) {
      for (const body of ['[]', '"x"', '1', 'null', 'true']) refused(await request('POST', path, { body }), 400, 'the request must be an object');
    }
  });

  it('malformed UTF-8', async () => {
    const octets = [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
    for (const o of octets) {
      const body = Buffer.concat([Buffer.from(`{"destination":"${TO}","messageText":"`), Buffer.from(o), Buffer.from('"}')]);
      const r = await raw(`POST /v1/send-sms HTTP/1.1\r\nHost: x\r\n${credentials()}Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`, body);
      assert.equal(r.status, 400);
      assert.match(r.json.errorMessage, /^malformed JSON: /);
      const hex = o.map(b => `%${b.toString(16).padStart(2, '0')}`).join('');
      for (const field of ['messageText', 'correlationId', 'extraInfo', 'destination']) {
        const fields = new URLSearchParams({ destination: TO, messageText: 'x' });
        fields.delete(field);
        fault(await request('GET', `/v1/send-sms?${fields}&${field}=${hex}`), field, 'not valid UTF-8, or holds a NUL');
      }
    }
    fault(await request('GET', `/v1/send-sms?destination=${TO}&messageText=a%00b`), 'messageText', 'not valid UTF-8, or holds a NUL');
    refused(await request('GET', `/v1/send-sms?destination=${TO}&messageText=%zz`), 400, 'the query holds a % without two hexadecimal digits');
    refused(await request('GET', `/v1/send-sms?${'a=1&'.repeat(65)}`), 400, 'the query holds more than 64 parameters');
  });

  // What no field but its own kinds takes. `more`: values of a right kind that are wrong.
  const VALUES = { string: 'x', integer: 5, real: 1.5, boolean: true, array: [1], object: { a: 1 } };
  const TYPES = [
    ['destination', ['string', 'integer'], 'must be a string or a whole number'],
    ['messageText', ['string'], 'must be a string'],
    ['correlationId', ['string', 'integer'], 'must be a string or a whole number'],
    ['extraInfo', ['string'], 'must be a string'],
    ['flashSMS', ['boolean'], 'must be true or false'],
    ['flashSms', ['boolean'], 'must be true or false'],
    ['subAccount', ['string', 'integer'], 'must be a string or a whole number'],
    ['timeWindow', ['string', 'integer', 'array'], 'must be an array of hours'],
    ['timeZone', ['string'], 'must be a string'],
    ['scheduledAt', ['string', 'integer'], 'must be a string or a whole number'],
    ['scheduledDate', ['string'], 'must be a string'],
    ['scheduleDate', ['string'], 'must be a string'],
    ['delayedInMinutes', ['string', 'integer'], 'must be a string or a whole number'],
    ['expiresAt', ['string', 'integer'], 'must be a string or a whole number'],
    ['expiresDate', ['string'], 'must be a string'],
    ['expiresInMinutes', ['string', 'integer'], 'must be a string or a whole number'],
    ['templateId', ['string', 'integer'], 'must be a string or a whole number'],
    ['templateName', ['string'], 'must be a string'],
    ['flowId', ['string'], 'must be a string'],
    ['params', ['object'], 'must be an object'],
    ['campaignAlias', ['string', 'integer'], 'must be a string or a whole number'],
  ];
  for (const [field, kinds, rule] of TYPES) {
    it(`wrong types: ${field}`, async () => {
      for (const [kind, value] of Object.entries(VALUES)) {
        if (!kinds.includes(kind)) await everywhere({ [field]: value }, field, rule);
      }
    });
  }

  it('wrong types: messages, defaultValues, each message', async () => {
    const messages = [{ destination: TO, messageText: 'x' }];
    for (const value of ['x', 5, 1.5, true, { a: 1 }]) fault(await bulk({ messages: value }), 'messages', 'must be an array');
    for (const value of ['x', 5, 1.5, true, [1]]) fault(await bulk({ messages, defaultValues: value }), 'defaultValues', 'must be an object');
    for (const value of ['x', 5, 1.5, true, [1], null]) fault(await bulk({ messages: [...messages, value] }), 'messages[1]', 'must be an object');
  });

  // Values of the right kind that say nothing possible.
  const ZONE = 'unknown time zone', HOURS = 'must be hours from 0 to 23', EPOCH = 'must be a time in seconds or milliseconds since 1970';
  const DAY = 86400000, soon = ms => new Date(Date.now() + ms).toISOString().slice(0, 19);
  const ONE_START = 'only one of scheduledAt, scheduledDate and delayedInMinutes is allowed', ONE_EXPIRY = 'only one of expiresAt, expiresDate and expiresInMinutes is allowed';
  const DATES = 'must be yyyy-MM-ddTHH:mm:ss, optionally with Z or an offset', MINUTES = 'must be a whole number of minutes, not negative';
  function rule(name, cases) {
    it(name, async () => {
      for (const [fields, field, words] of cases) {
        // A message's own text would win over a template of another level.
        const m = 'messageText' in fields ? { destination: TO } : { destination: TO, messageText: 'x' };
        fault(await single(fields), field, words);
        fault(await bulk({ messages: [{ destination: TO, messageText: 'x' }, { ...m, ...fields }] }), `messages[1].${field}`, words);
        fault(await bulk({ messages: [m], defaultValues: fields }), `defaultValues.${field}`, words);
        fault(await bulk({ messages: [m], ...fields }), field, words);
        if (!('params' in fields) && !Object.values(fields).some(v => Array.isArray(v) && v.some(x => typeof x === 'string'))) fault(await query(fields), field, words);
      }
    });
  }
  rule('flashSMS is true or false', [[{ flashSMS: 'yes' }, 'flashSMS', 'must be true or false'], [{ flashSMS: '1' }, 'flashSMS', 'must be true or false']]);
  rule('one schedule', [
    [{ scheduledAt: Date.now() + DAY, delayedInMinutes: 5 }, 'delayedInMinutes', ONE_START], [{ scheduledDate: soon(DAY), scheduledAt: Date.now() + DAY }, 'scheduledAt', ONE_START],
    [{ delayedInMinutes: 5, scheduledDate: soon(DAY) }, 'scheduledDate', ONE_START], [{ scheduledDate: soon(DAY), scheduleDate: soon(DAY) }, 'scheduleDate', ONE_START]]);
  rule('one expiry', [
    [{ expiresAt: Date.now() + DAY, expiresInMinutes: 5 }, 'expiresInMinutes', ONE_EXPIRY], [{ expiresDate: soon(DAY), expiresAt: Date.now() + DAY }, 'expiresAt', ONE_EXPIRY],
    [{ expiresInMinutes: 5, expiresDate: soon(DAY) }, 'expiresDate', ONE_EXPIRY]]);
  rule('a known time zone', [[{ timeZone: 'Mars/Olympus' }, 'timeZone', ZONE], [{ timeZone: '+25:00' }, 'timeZone', ZONE], [{ timeZone: '../UTC' }, 'timeZone', ZONE]]);
  rule('hours from 0 to 23', [[{ timeWindow: [24] }, 'timeWindow', HOURS], [{ timeWindow: [-1] }, 'timeWindow', HOURS], [{ timeWindow: [11, 1.5] }, 'timeWindow', HOURS], [{ timeWindow: ['noon'] }, 'timeWindow', HOURS], [{ timeWindow: '11,' }, 'timeWindow', HOURS]]);
  rule('times that can be read', [
    [{ scheduledAt: 'tomorrow' }, 'scheduledAt', EPOCH], [{ expiresAt: -1 }, 'expiresAt', EPOCH], [{ scheduledDate: '2027-02-30T00:00:00' }, 'scheduledDate', DATES], [{ scheduleDate: '01/12/2027' }, 'scheduleDate', DATES],
    [{ expiresDate: '2027-12-01' }, 'expiresDate', DATES], [{ delayedInMinutes: -1 }, 'delayedInMinutes', MINUTES], [{ expiresInMinutes: 'x' }, 'expiresInMinutes', MINUTES]]);
  rule('an expiry that is not past', [[{ expiresAt: Date.now() - 10000 }, 'expiresAt', 'is past'], [{ expiresDate: soon(-10000) }, 'expiresDate', 'is past'], [{ expiresInMinutes: 0 }, 'expiresInMinutes', 'is past']]);
  rule('an expiry after the schedule', [[{ delayedInMinutes: 10, expiresInMinutes: 10 }, 'expiresInMinutes', 'must be later than the schedule'], [{ scheduledAt: Date.now() + DAY, expiresDate: soon(DAY / 2) }, 'expiresDate', 'must be later than the schedule']]);
  rule('a year at most', [[{ scheduledAt: Date.now() + 367 * DAY }, 'scheduledAt', 'is more than a year ahead'], [{ scheduledDate: soon(367 * DAY) }, 'scheduledDate', 'is more than a year ahead'],
    [{ delayedInMinutes: 367 * 1440 }, 'delayedInMinutes', 'is more than a year ahead'], [{ expiresInMinutes: 367 * 1440 }, 'expiresInMinutes', 'is more than a year ahead']]);
  rule('a known template', [[{ messageText: '', templateId: 77 }, 'templateId', 'unknown'], [{ messageText: '', templateId: -1 }, 'templateId', 'unknown'], [{ messageText: '', templateName: 'nobody' }, 'templateName', 'unknown'], [{ templateId: 'x' }, 'templateId', 'must be a whole number']]);
  rule('a known flow', [[{ messageText: '', flowId: '14f8142d-e731-4971-8220-5a76a12c4130' }, 'flowId', 'unknown'], [{ messageText: '', flowId: 'x' }, 'flowId', 'unknown']]);
  rule('a text by template or by flow', [[{ messageText: '', templateId: 0, flowId: 'x' }, 'flowId', 'not together with a template']]);
  rule('params that are names and plain values', [[{ params: { a: [] } }, 'params.a', 'must be a string, a number or a boolean'], [{ params: { '': 'x' } }, 'params', 'a name is empty'],
    [{ params: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`p${i}`, 'x'])) }, 'params', 'more than 100 parameters']]);

  it('a template by a name that fits several, or by id and name that disagree', async () => {
    for (const [id, name] of [[0, 'zero'], [1, 'same'], [2, 'Same']]) await g.command('template', 'add', '--name', name, '--text', 'x', '--id', String(id));
    await everywhereWithoutText({ templateName: 'same' }, 'templateName', 'fits several templates; name one by its templateId');
    await everywhereWithoutText({ templateId: 0, templateName: 'same' }, 'templateName', 'is not the name of the template with that templateId');
  });
  async function everywhereWithoutText(fields, field, rule) {
    const m = { destination: TO };
    fault(await single({ messageText: undefined, ...fields }), field, rule);
    fault(await bulk({ messages: [{ ...m, messageText: 'x' }, { ...m, ...fields }] }), `messages[1].${field}`, rule);
    fault(await bulk({ messages: [m], defaultValues: fields }), `defaultValues.${field}`, rule);
    fault(await bulk({ messages: [m], ...fields }), field, rule);
  }

  it('an unknown campaign, where the account is closed for them', async () => {
    await g.command('account', 'set', 'default', '--campaigns', 'closed');
    await everywhere({ campaignAlias: 'Promo' }, 'campaignAlias', 'unknown, and the account registers none by use');
    await g.command('account', 'set', 'default', '--campaigns', 'open');
  });

  it('no destination', async () => {
    for (const fields of [{ destination: undefined }, { destination: '' }, { destination: null }]) fault(await single(fields), 'destination', 'missing');
    fault(await request('GET', '/v1/send-sms?messageText=x'), 'destination', 'missing');
    fault(await request('GET', '/v1/send-sms?destination=&messageText=x'), 'destination', 'missing');
    fault(await bulk({ messages: [{ destination: TO }, {}], messageText: 'x' }), 'messages[1].destination', 'missing');
  });

  it('no text', async () => {
    for (const fields of [{ messageText: undefined }, { messageText: '' }, { messageText: null }]) fault(await single(fields), 'messageText', 'missing');
    fault(await request('GET', `/v1/send-sms?destination=${TO}`), 'messageText', 'missing');
    fault(await bulk({ messages: [{ destination: TO, messageText: 'x' }, { destination: TO }] }), 'messages[1].messageText', 'missing');
    fault(await bulk({ messages: [{ destination: TO }], defaultValues: { messageText: '' }, messageText: null }), 'messages[0].messageText', 'missing');
  });

  // One character beyond the limit, outside the basic plane: a character is a code point, whatever it takes in UTF-8 or UTF-16.
  const LENGTHS = [
    ['messageText', 1280], ['correlationId', 64], ['extraInfo', 255], ['destination', 64], ['templateName', 127], ['campaignAlias', 128],
  ];
  for (const [field, most] of LENGTHS) {
    it(`one character too many: ${field}`, async () => {
      for (const c of ['x', 'ç', '😀']) {
        await everywhere({ [field]: c.repeat(most + 1) }, field, `longer than ${most} characters`);
        fault(await query({ [field]: c.repeat(most + 1) }), field, `longer than ${most} characters`);
      }
    });
  }

  it('one character too many: names and values of params', async () => {
    await everywhere({ params: { ['😀'.repeat(65)]: 'x' } }, 'params', 'a name is longer than 64 characters');
    await everywhere({ params: { a: '😀'.repeat(1281) } }, 'params.a', 'longer than 1280 characters');
  });

  it('no message, and more than 1000', async () => {
    fault(await bulk({}), 'messages', 'missing');
    fault(await bulk({ messages: null }), 'messages', 'missing');
    fault(await bulk({ messages: [] }), 'messages', 'empty');
    fault(await bulk({ messages: Array(1001).fill({ destination: TO }), messageText: 'x' }), 'messages', 'more than 1000 messages');
  });

  it('several faults: the first twenty are listed', async () => {
    const errors = [{ field: 'destination', message: 'missing' }, { field: 'messageText', message: 'missing' }];
    refused(await request('POST', '/v1/send-sms', { body: {} }), 400, 'destination: missing', errors);
    const r = await bulk({ messages: Array.from({ length: 30 }, () => ({ destination: TO })) });
    refused(r, 400, 'messages[0].messageText: missing', Array.from({ length: 20 }, (_, i) => ({ field: `messages[${i}].messageText`, message: 'missing' })));
  });

  it('one bad message refuses the whole bulk', async () => {
    fault(await bulk({ messages: [...Array(999).fill({ destination: TO, messageText: 'x' }), { destination: TO, messageText: 'x'.repeat(1281) }] }), 'messages[999].messageText', 'longer than 1280 characters');
  });

  it('a parameter of a query twice', async () => {
    for (const field of ['destination', 'messageText', 'correlationId', 'extraInfo', 'flashSMS', 'subAccount']) {
      const value = field === 'flashSMS' ? 'true' : TO;
      const rest = new URLSearchParams(field === 'destination' ? { messageText: 'x' } : field === 'messageText' ? { destination: TO } : { destination: TO, messageText: 'x' });
      fault(await request('GET', `/v1/send-sms?${rest}&${field}=${value}&${field}=${value}`), field, 'given more than once');
    }
  });

  it('subAccount: unknown, not at the root, by who may not', async () => {
    const message = { destination: TO, messageText: 'x' };
    for (const subAccount of ['nowhere', 99999, '99999']) fault(await single({ subAccount }, user.admin), 'subAccount', 'unknown');
    fault(await query({ subAccount: 'nowhere' }, user.admin), 'subAccount', 'unknown');
    fault(await bulk({ messages: [message], subAccount: 'nowhere' }, user.admin), 'subAccount', 'unknown');
    fault(await bulk({ messages: [message, { ...message, subAccount: 'shop' }] }, user.admin), 'messages[1].subAccount', 'only allowed at the root of the request');
    fault(await bulk({ messages: [message], defaultValues: { subAccount: 'shop' } }, user.admin), 'defaultValues.subAccount', 'only allowed at the root of the request');
    const ours = 'subAccount: only administrators may choose a sub-account';
    refused(await single({ subAccount: 'shop' }), 403, ours);
    refused(await single({ subAccount: 'default' }), 403, ours);
    refused(await query({ subAccount: 'shop' }), 403, ours);
    refused(await bulk({ messages: [message], subAccount: 'shop' }), 403, ours);
    refused(await request('POST', '/v1/sms/status/search', { body: { ids: [], subAccount: 'shop' } }), 403, ours);
    for (const path of ['/v1/sms/status/list?', '/v1/sms-status?id=x&', '/v1/sms/receive/list?', '/v1/sms/receive/search?']) {
      refused(await request('GET', `${path}subAccount=shop`), 403, ours);
      fault(await request('GET', `${path}subAccount=nowhere`, { user: user.admin }), 'subAccount', 'unknown');
    }
    refused(await single({}, user.platform), 403, 'a platform user has no messages; use an administrator or a regular user');
  });

  it('who is not known: 401', async () => {
    const { username, authenticationtoken } = user.regular;
    const needed = 'the headers username and authenticationtoken are needed', unknown = 'unknown user or wrong token';
    const target = `/v1/send-sms?destination=${TO}&messageText=x`;
    refused(await request('GET', target, { user: {} }), 401, needed);
    refused(await request('GET', target, { user: { username } }), 401, needed);
    refused(await request('GET', target, { user: { authenticationtoken } }), 401, needed);
    refused(await request('GET', target, { user: { username, authenticationtoken: `${authenticationtoken}x` } }), 401, unknown);
    refused(await request('GET', target, { user: { username: 'nobody', authenticationtoken } }), 401, unknown);
    refused(await request('GET', target, { user: { username: 'admin', authenticationtoken } }), 401, unknown);
    refused(await request('POST', `/v1/send-sms?username=${username}&authenticationToken=${authenticationtoken}`, { user: {}, body: { destination: TO, messageText: 'x' } }), 401, needed);
  });

  it('no such endpoint, another method, another type', async () => {
    for (const path of ['/', '/v1', '/v1/send-sms/', '/v1/send-SMS', '/v2/send-sms', '/v1/sms/receive']) refused(await request('GET', path), 404, 'no such endpoint');
    for (const [path, allow, methods] of [
      ['/v1/send-sms', 'GET, POST', ['PUT', 'DELETE', 'PATCH']], ['/v1/send-bulk-sms', 'POST', ['GET', 'PUT']], ['/v1/sms/status/search', 'POST', ['GET', 'DELETE']], ['/v1/sms/status/list', 'GET', ['POST']],
      ['/v1/sms-status', 'GET', ['POST']], ['/v1/sms/receive/list', 'GET', ['POST']], ['/v1/sms/receive/search', 'GET', ['POST']]]) {
      for (const method of methods) {
        const r = await request(method, path, { body: method === 'GET' ? undefined : {} });
        refused(r, 405, `method not allowed here; use ${allow}`);
        assert.equal(r.headers.allow, allow);
      }
    }
    const body = { destination: TO, messageText: 'x' };
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=iso-8859-1', 'application/xml', 'application/jsonp']) {
      refused(await request('POST', '/v1/send-sms', { body, headers: { 'content-type': type } }), 415, 'Content-Type: only application/json in UTF-8 is understood');
    }
    refused(await request('POST', '/v1/send-sms', { body, headers: { 'content-encoding': 'gzip' } }), 415, 'Content-Encoding: not understood; send the body as it is');
    refused(await request('GET', '/v1/sms-status?id=019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70'), 404, 'no message with that id');
  });

  it('a body beyond 32 MiB', async () => {
    const most = 32 << 20;
    for (const path of SENDS) {
      const r = await raw(`POST ${path} HTTP/1.1\r\nHost: x\r\n${credentials()}Content-Length: ${most + 1}\r\n\r\n`);
      assert.deepEqual([r.status, r.json], [413, { errorCode: 413, errorMessage: `the body is larger than ${most} octets` }]);
    }
    const body = Buffer.alloc(most, ' ');
    body.write('{"messages":[]}');
    const r = await raw(`POST /v1/send-bulk-sms HTTP/1.1\r\nHost: x\r\n${credentials()}Content-Length: ${most}\r\nConnection: close\r\n\r\n`, body);
    assert.deepEqual([r.status, r.json], [400, { errorCode: 400, errorMessage: 'messages: empty' }], 'so many octets are read');
  });

  it('what cannot be asked of statuses', async () => {
    const search = body => request('POST', '/v1/sms/status/search', { body });
    fault(await search({}), 'ids', 'missing, and correlationIds too');
    fault(await search({ ids: 'x' }), 'ids', 'must be an array');
    fault(await search({ ids: [1] }), 'ids[0]', 'must be a string');
    fault(await search({ correlationIds: {} }), 'correlationIds', 'must be an array');
    fault(await search({ correlationIds: ['a', null] }), 'correlationIds[1]', 'must be a string or a whole number');
    const many = Array.from({ length: 1001 }, (_, i) => `x${i}`);
    fault(await search({ ids: many }), 'ids', 'more than 1000 entries');
    fault(await search({ correlationIds: many }), 'correlationIds', 'more than 1000 entries');
    assert.deepEqual(ok(await search({ ids: many.slice(1), correlationIds: many.slice(1) })), { total: 0, smsStatuses: [] });
    fault(await search({ ids: [], subAccount: true }), 'subAccount', 'must be a string or a whole number');
    fault(await request('GET', '/v1/sms-status'), 'id', 'missing');
    for (const path of ['/v1/sms/status/list', '/v1/sms/receive/list', '/v1/sms/receive/search']) {
      for (const limit of ['0', '1001', '-1', 'x', '1.5']) fault(await request('GET', `${path}?limit=${limit}`), 'limit', 'must be a number from 1 to 1000');
      for (const field of ['start', 'end']) {
        for (const value of ['yesterday', '2026-13-01T00:00:00', '-5']) fault(await request('GET', `${path}?${field}=${value}`), field, 'neither an ISO-8601 time nor an epoch');
      }
      fault(await request('GET', `${path}?start=2026-01-02T00:00:00&end=2026-01-01T00:00:00`), 'end', 'before start');
    }
  });
});

describe('the limits as they come', () => {
  const limits = {}; // the defaults
  scenario('700 requests a second of one address, then 429', async w2 => {
    const own = await w2.gateway({ limits, user: false });
    const { hostname, port } = new URL(own.url);
    // In one piece, so that they come together; more of them until one is too many.
    const socket = net.connect(Number(port), hostname);
    w2.later(() => { socket.destroy(); });
    const one = 'GET /v1/send-sms HTTP/1.1\r\nHost: x\r\n\r\n';
    let answer = '', asked = 0;
    socket.setEncoding('utf8').on('data', c => { answer += c; });
    const answered = () => answer.split('HTTP/1.1 ').slice(1);
    while (!answered().some(a => a.startsWith('429'))) {
      assert.ok(asked < 100000, 'no end of them');
      socket.write(one.repeat(1000));
      asked += 1000;
      await until('the answers', () => answered().length === asked && answer.endsWith('}\n'));
    }
    const first = answered().findIndex(a => a.startsWith('429'));
    assert.ok(first >= 700, `number ${first} was too many`);
    assert.ok(answered().slice(0, first).every(a => a.startsWith('401')));
    const [, retry] = /Retry-After: (\d+)\r\n/i.exec(answered()[first]);
    assert.equal(retry, '1');
    assert.deepEqual(JSON.parse(answered()[first].split('\r\n\r\n')[1]), { errorCode: 429, errorMessage: 'more than 700 requests a second from one address' });
  });

  scenario('one status query a second of one address, whichever it is, then 429', async w2 => {
    const own = await w2.gateway({ limits });
    const ask = [() => own.request('GET', '/v1/sms/status/list'), () => own.request('POST', '/v1/sms/status/search', { body: { ids: [] } }), () => own.request('GET', '/v1/sms-status?id=x')];
    // Within a second of the one before; a machine that is slower than that gets another try.
    for (const next of ask) {
      let r;
      await until('the second one of a second', async () => { await ask[0](); r = await next(); return r.status === 429; });
      refused(r, 429, 'more than 1 status query a second from one address');
      assert.equal(r.headers['retry-after'], '1');
    }
    assert.equal((await own.request('GET', '/v1/send-sms?destination=1&messageText=x')).status, 200, 'sends are not status queries');
    assert.equal((await own.request('GET', '/v1/sms/receive/list')).status, 200, 'nor are lists of MOs');
  });
});
