// The samples of the two SMS documents, one test each, sent as they are printed to the real gateway with an SMSC of npm smpp behind it;
// those of messages from handsets are in documents_mo.test.mjs. Adapted are host, credentials, ids, and what no JSON parser takes; each
// other adaptation is said where it is made. What an answer must look like is the printed one: the same members in the same order, of the
// same types; what is ours beside them is said in OURS.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { USER_NAME, like, ok, printedGateway, without } from './peers/documents.mjs';
import { World, run, until, within } from './peers/gateway.mjs';
import { smpp } from './peers/smsc.mjs';

// Members that our answers have beside the printed ones (docs/conformance.md says why).
const OURS = {
  status: ['sentAt', 'sentDate', 'updatedAt', 'updatedDate', 'extraInfo'],
  report: ['sentAt', 'sentDate', 'extraInfo'],
};

const w = new World();
const it = within(w);
let g, smsc, hooks, user;

const post = (path, body, who = user.system) => g.request('POST', path, { body, user: who });
const get = (path, who = user.system) => g.request('GET', path, { user: who });
const bulk = (body, who) => post('/v1/send-bulk-sms', body, who);
// What the carrier got, by destination.
const text = s => (s.f.coding & 8 ? Buffer.from(s.f.text).swap16().toString('utf16le') : smpp.encodings.ASCII.decode(s.f.text)); // its ASCII is GSM 03.38
const fresh = () => { smsc.submits.length = 0; };
const seen = (to, n = 1) => until(`${n} submits to ${to}`, () => smsc.to(to).length >= n && smsc.to(to)[n - 1]);

// A curl command line as printed, run by a shell.
async function curl(printed) {
  const line = printed.replaceAll('https://api-messaging.wavy.global', g.url)
    .replace(/<(authenticationtoken|Token de autenticação)>/, user.system.authenticationtoken).replace(/<(username|Usuário (Movile|Wavy) Messaging)>/, USER_NAME);
  const r = await run('bash', ['-c', `${line} --silent --show-error`]);
  assert.equal(r.code, 0, r.stderr);
  return JSON.parse(r.stdout);
}

before(async () => { ({ g, smsc, hooks, user } = await printedGateway(w)); });
after(() => w.end());

describe('send-sms', () => {
  const SINGLE = [{ id: '9cb87d36-79af-11e5-89f3-1b0591cdf807', correlationId: 'myId' }];

  it('the curl line, and its answer', async () => {
    fresh();
    const answer = await curl(String.raw`curl -X POST \
https://api-messaging.wavy.global/v1/send-sms \
-H 'authenticationtoken: <authenticationtoken>' \
-H 'username: <username>' \
-H 'content-type: application/json' \
-d '{"destination": "5511900000000" , "messageText": "linha\nquebrada"}'`);
    // The printed answer echoes a correlationId that the printed request does not have.
    like(answer, [without(SINGLE[0], 'correlationId')]);
    assert.equal(answer.length, 1);
    assert.equal(text(await seen('5511900000000')), 'linha\nquebrada');
    like(ok(await post('/v1/send-sms', { destination: '5511900000000', messageText: 'linha\nquebrada', correlationId: 'myId' })), SINGLE);
  });

  it('a text in UTF-8, and the same with escapes', async () => {
    fresh();
    // Printed with typographic quotes, and without the braces and the destination around it.
    for (const member of ['"messageText":"A combinação foi perfeita :)"', '"messageText":"A combina\\u00e7\\u00e3o foi perfeita :)"']) {
      like(ok(await post('/v1/send-sms', `{"destination":"5511900000001",${member}}`)), [without(SINGLE[0], 'correlationId')]);
    }
    for (const n of [1, 2]) assert.equal(text(await seen('5511900000001', n)), 'A combinação foi perfeita :)');
  });

  it('by GET, every parameter in the query', async () => {
    fresh();
    // The printed line ends with two dots: that is a destination without a text.
    const r = await get('/v1/send-sms?destination=..');
    assert.deepEqual([r.status, r.json], [400, { errorCode: 400, errorMessage: 'messageText: missing' }]);
    like(ok(await get('/v1/send-sms?destination=5511900000000&messageText=A+combina%C3%A7%C3%A3o%20foi+perfeita+:)&correlationId=myId&extraInfo=mais&flashSMS=true')), SINGLE);
    const s = await seen('5511900000000');
    assert.deepEqual([text(s), s.f.coding & 0x13], ['A combinação foi perfeita :)', 0x10]);
    const { username, authenticationtoken } = user.cs;
    like(ok(await g.request('GET', `/v1/send-sms?destination=5511900000000&messageText=x&correlationId=myId&UserName=${username}&authenticationToken=${encodeURIComponent(authenticationtoken)}`, { user: {} })), SINGLE);
  });

  it('by POST, every parameter in the body, with its content type', async () => {
    const r = await g.request('POST', '/v1/send-sms', { user: user.system, headers: { 'Content-Type': 'application/json' }, body: { destination: '5511900000000', messageText: 'x', correlationId: 'myId' } });
    like(ok(r), SINGLE);
    assert.match(r.headers['content-type'], /^application\/json/);
  });
});

describe('send-bulk-sms', () => {
  const BULK = { id: 'ce528d70-013b-11e7-98f2-e27c463c8809', messages: [{ id: 'ce528d71-013b-11e7-98f2-e27c463c8809' }, { id: 'ce528d72-013b-11e7-98f2-e27c463c8809' }] };
  const taken = (answer, n) => {
    like(answer, BULK);
    assert.equal(answer.messages.length, n);
    assert.equal(new Set([answer.id, ...answer.messages.map(m => m.id)]).size, n + 1);
    return answer.messages.map(m => m.id);
  };
  const EXAMPLE_4 = {
    messages: [{ destination: '5519900001111', params: { param1: 'other_value1', param2: 'other_value2' } }, { destination: '5519900002222' }],
    defaultValues: { params: { param1: 'value1', param2: 'value2' } },
    flowId: '14f8142d-e731-4971-8220-5a76a12c413f',
  };

  it('the curl line of a bulk, and its answer', async () => {
    fresh();
    // Printed within double quotes, which no shell takes; otherwise as it stands. Its answer is printed for two of the three messages.
    const answer = await curl(String.raw`curl --request POST \
--url https://api-messaging.wavy.global/v1/send-bulk-sms \
--header 'authenticationtoken: <Token de autenticação>' \
--header 'username:<Usuário Movile Messaging>' \
--header 'content-type: application/json' \
--data '{ "messages":[{ "destination":"5519999999999", "messageText":"First message" }, { "destination":"5519999999999" }, { "destination":"5519999999999" }], "defaultValues":{"messageText":"Default message" }}'`);
    taken(answer, 3);
    const got = await Promise.all([1, 2, 3].map(n => seen('5519999999999', n)));
    assert.deepEqual(got.map(text), ['First message', 'Default message', 'Default message']);
  });

  it('the answer of a bulk whose messages have correlationIds', async () => {
    // "o id e o correlationId de cada mensagem enviada"
    const answer = ok(await bulk({ messages: [{ destination: '5519900004444', correlationId: 'a' }, { destination: '5519900005555' }], defaultValues: { messageText: 'x' } }));
    assert.deepEqual(answer.messages.map(m => Object.keys(m)), [['id', 'correlationId'], ['id']]);
    assert.equal(answer.messages[0].correlationId, 'a');
  });

  it('example 1: a text of its own, and the default one', async () => {
    fresh();
    taken(ok(await bulk(`{
"messages":[
{
"destination":"5519900001111",
"messageText":"First message"
},
{
"destination":"5519900002222"
},
{
"destination":"5519900003333"
}
],
"defaultValues":{
"messageText":"Default message"
}
}`)), 3);
    for (const [to, words] of [['5519900001111', 'First message'], ['5519900002222', 'Default message'], ['5519900003333', 'Default message']]) assert.equal(text(await seen(to)), words);
  });

  it('example 3: flash as a string', async () => {
    fresh();
    taken(ok(await bulk(`{
"messages":[
{
"destination":"5519900001111"
},
{
"destination":"5519900002222"
}
],
"defaultValues":{
"messageText":"Default message",
"flashSMS":"true"
}
}`)), 2);
    for (const to of ['5519900001111', '5519900002222']) {
      const s = await seen(to);
      assert.deepEqual([text(s), s.f.coding], ['Default message', 0x10]);
    }
  });

  it('example 4: a flow with params at both levels', async () => {
    fresh();
    await g.command('flow', 'add', '--id', EXAMPLE_4.flowId, '--text', 'Fluxo {{param1}} {{ param2 }}');
    taken(ok(await bulk(EXAMPLE_4)), 2);
    assert.equal(text(await seen('5519900001111')), 'Fluxo other_value1 other_value2');
    assert.equal(text(await seen('5519900002222')), 'Fluxo value1 value2');
  });

  const EXAMPLE_5 = '{"messages":[{"destination":"5519900001111","params": {"param1": "other_value1","param2": "other_value2"}},{"destination":"5519900002222"}],"defaultValues":{"params": {"param1": "value1","param2": "value2"}},"templateId": 0,"templateName": \'name\'}';

  it('example 5 as it is printed is not JSON', async () => {
    const r = await bulk(EXAMPLE_5);
    assert.deepEqual([r.status, Object.keys(r.json), r.json.errorCode], [400, ['errorCode', 'errorMessage'], 400]);
    assert.match(r.json.errorMessage, /^malformed JSON: /);
  });

  it('example 5: a template by id and name, by either of them', async () => {
    const body = JSON.parse(EXAMPLE_5.replaceAll('\'', '"'));
    await g.command('template', 'add', '--id', '0', '--name', 'name', '--text', 'Modelo {{param1}}, {{param2}}');
    for (const form of [body, without(body, 'templateName'), without(body, 'templateId')]) {
      fresh();
      taken(ok(await bulk(form)), 2);
      assert.equal(text(await seen('5519900001111')), 'Modelo other_value1, other_value2');
      assert.equal(text(await seen('5519900002222')), 'Modelo value1, value2');
    }
  });

  // The last one here: its messages may leave at any time from now on.
  it('example 2: time zone, schedule and window at the root', async () => {
    // The schedule has been past since 2017, which means now; then the window counts.
    const ids = taken(ok(await bulk(`{
"messages":[
{
"destination":"5519900001111",
"messageText":"First message"
},
{
"destination":"5519900002222"
}
],
"timeZone":"America/Sao_Paulo",
"scheduledDate": "2017-01-28T02:30:43",
"timeWindow": [12, 15, 20],
"defaultValues":{
"messageText":"Default message"
}
}`)), 2);
    for (const [i, id] of ids.entries()) {
      const m = await g.json('message', 'show', id);
      assert.deepEqual([m.text, m.timeWindow, m.timeZone], [['First message', 'Default message'][i], [12, 15, 20], 'America/Sao_Paulo']);
      const leaves = new Date(m.dueAt ?? m.acceptedAt);
      assert.ok([12, 15, 20].includes(Number(new Intl.DateTimeFormat('en', { timeZone: 'America/Sao_Paulo', hour: 'numeric', hourCycle: 'h23' }).format(leaves))), `${leaves.toISOString()} is within the window`);
    }
  });
});

describe('statuses', () => {
  // The fields of the table; the printed report has them but for extraInfo.
  const REPORT = {
    id: '8f5af680-973e-11e4-ad43-4ee58e9a13a6', correlationId: 'myId', carrierId: 5, carrierName: 'TIM', destination: '5519900001111', sentStatusCode: 2, sentStatus: 'SENT_SUCCESS',
    sentStatusAt: 1420732929252, sentStatusDate: '2015-01-08T16:02:09Z', deliveredStatusCode: 4, deliveredStatus: 'DELIVERED_SUCCESS', deliveredAt: 1420732954000, deliveredDate: '2015-01-08T16:02:34Z', campaignId: 1234,
  };
  // Printed with a comma behind the last member, and with campaignId as a string, which the table calls a number.
  const CALLBACK = {
    id: 'f9c100ff-aed0-4456-898c-e57d754c439c', correlationId: 'client-id', carrierId: 1, carrierName: 'VIVO', destination: '5511900009999', sentStatusCode: 2, sentStatus: 'SENT_SUCCESS',
    sentAt: 1266660300000, sentDate: '2010-02-20T10:05:00Z', campaignId: 64, extraInfo: '',
  };
  const campaign = { campaignAlias: 'Promo' };
  const FIXED = ['carrierId', 'carrierName', 'destination', 'correlationId', 'sentStatusCode', 'sentStatus', 'deliveredStatusCode', 'deliveredStatus'];
  const same = (answer, sample) => { for (const k of FIXED) assert.equal(answer[k], sample[k], k); };
  const send = async (destination, correlationId, more = {}) => ok(await post('/v1/send-sms', { destination, correlationId, messageText: 'x', ...campaign, ...more }))[0].id;

  it('the callback: entregue na operadora', async () => {
    const id = await send('5511900009999', 'client-id');
    const call = await until('the callback', () => hooks.of(id, '/callback/')[0]);
    assert.deepEqual([call.method, call.headers['content-type'].split(';')[0]], ['POST', 'application/json']);
    like(call.json, CALLBACK);
    same(call.json, CALLBACK);
    assert.equal(call.json.extraInfo, '');
  });

  it('the delivery report: entregue no aparelho', async () => {
    const id = await send('5519900001111', 'myId', { extraInfo: 'mais' });
    const call = await until('the report', () => hooks.of(id, '/dr')[0]);
    like(call.json, REPORT, OURS.report);
    same(call.json, REPORT);
    assert.equal(call.json.extraInfo, 'mais');
    assert.ok(hooks.of(id, '/callback/').length === 1, 'both levels are told');
  });

  it('search by ids and correlationIds', async () => {
    // As printed: nobody has these messages here.
    const unknown = '{ "ids": ["918F3591-9AD6-11E7-9C9B-E255B01A8B1A","234F3591-6AD6-11E7-9C9B-E255B01A8B1A"], "correlationIds": ["2468"] }';
    assert.deepEqual(ok(await post('/v1/sms/status/search', unknown)), { total: 0, smsStatuses: [] });
    // The same with ids of ours, in capitals as printed.
    const [a, b, c] = [await send('5519900001111', 'myId'), await send('5519900001111', 'other'), await send('5519900001111', '2468')];
    const body = { ids: [a.toUpperCase(), b.toUpperCase()], correlationIds: ['2468'] };
    const answer = await until('three reports', async () => {
      const r = ok(await post('/v1/sms/status/search', body));
      return r.smsStatuses.length === 3 && r.smsStatuses.every(s => s.deliveredStatusCode) && r;
    });
    like(answer, { total: 3, smsStatuses: [] });
    like(answer.smsStatuses, [REPORT], OURS.status);
    assert.equal(answer.total, 3);
    assert.deepEqual(answer.smsStatuses.map(s => s.id).sort(), [a, b, c].sort());
    same(answer.smsStatuses.find(s => s.id === a), REPORT);
    assert.equal(answer.smsStatuses.find(s => s.id === c).correlationId, '2468');
    assert.deepEqual(ok(await post('/v1/sms/status/search', body)), answer, 'it consumes nothing');
  });

  it('list: only what was not returned yet', async () => {
    const id = await send('5519900001111', 'myId');
    await until('its report', async () => (await g.statuses([id], user.system)).get(id)?.deliveredStatusCode);
    const answer = ok(await get('/v1/sms/status/list'));
    like(answer, { total: 1, smsStatuses: [] });
    like(answer.smsStatuses.filter(s => s.deliveredStatusCode && s.campaignId), [REPORT], OURS.status);
    same(answer.smsStatuses.find(s => s.id === id), REPORT);
    assert.equal(answer.total, answer.smsStatuses.length);
    for (let more = answer; more.total; more = ok(await get('/v1/sms/status/list'))) assert.ok(more === answer || !more.smsStatuses.some(s => s.id === id), 'once');
    assert.deepEqual(ok(await get('/v1/sms/status/list')), { total: 0, smsStatuses: [] });
  });
});
