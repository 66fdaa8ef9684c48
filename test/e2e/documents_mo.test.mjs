// The samples of messages from handsets of the two SMS documents: webhook, list and search, as documents.test.mjs has the others.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { like, ok, printedGateway, without } from './peers/documents.mjs';
import { World, until, within } from './peers/gateway.mjs';

const w = new World();
const it = within(w);
let g, smsc, hooks, user;

const post = (path, body, who = user.system) => g.request('POST', path, { body, user: who });
const get = (path, who = user.system) => g.request('GET', path, { user: who });
const reply = (source, to, words) => smsc.deliver(null, { source_addr_ton: 1, source_addr_npi: 1, source_addr: source, dest_addr_ton: 3, destination_addr: to, data_coding: 3, short_message: Buffer.from(words, 'latin1') });

before(async () => { ({ g, smsc, hooks, user } = await printedGateway(w)); });
after(() => w.end());

const promo = { campaignAlias: 'Promo' };
const one = {
  id: '25950050-7362-11e6-be62-001b7843e7d4', subAccount: 'Marketing', ...promo, carrierId: 1, carrierName: 'VIVO', source: '5516900000003', shortCode: '28128',
  messageText: 'Eu quero pizza', receivedAt: 1473088405588, receivedDate: '2016-09-05T12:13:25Z',
  mt: { id: '8be584fd-2554-439b-9ba9-aab507278992', correlationId: '1876', username: 'iFoodCS', email: 'cs@example.com' }, // printed with its e-mail taken out
};
const two = { ...one, carrierId: 5, carrierName: 'TIM', source: '5519900000004', messageText: 'Meu hamburguer está chegando?', mt: { ...one.mt, correlationId: '1893' } };
// What is ours to choose: ids and times.
const same = (answer, sample, mt) => assert.deepEqual({ ...answer, mt: { ...answer.mt, id: mt } }, { ...sample, id: answer.id, receivedAt: answer.receivedAt, receivedDate: answer.receivedDate, mt: { ...sample.mt, id: mt } });
const ask = async (destination, correlationId, who = user.cs) => {
  const { id } = ok(await post('/v1/send-sms', { destination, correlationId, messageText: 'O que deseja?', ...promo }, who))[0];
  await until('it has left', async () => (await g.statuses([id], who)).get(id)?.sentStatusCode === 2);
  return id;
};
let mt;

it('the JSON of the webhook', async () => {
  mt = [await ask('5516900000003', '1876'), await ask('5519900000004', '1893')];
  assert.equal(await reply('5516900000003', '28128', one.messageText), 0);
  const call = await until('the call', () => hooks.calls.find(c => c.path === '/mo'));
  assert.deepEqual([call.method, call.headers['content-type'].split(';')[0]], ['POST', 'application/json']);
  like(call.json, one);
  same(call.json, one, call.json.mt.id);
  assert.equal(call.json.mt.id, mt[0]);
});

it('the same by GET, as a query', async () => {
  const id = await ask('5516900000003', '1876', user.get);
  assert.equal(await reply('5516900000003', '28128', one.messageText), 0);
  const call = await until('the call', () => hooks.calls.find(c => c.method === 'GET' && c.path.startsWith('/mo?')));
  const query = new URLSearchParams(call.path.slice(call.path.indexOf('?')));
  assert.deepEqual([...query.keys()], ['key', 'id', 'subAccount', ...Object.keys(promo), 'carrierId', 'carrierName', 'source', 'shortCode', 'messageText', 'receivedAt', 'receivedDate', 'mtId', 'mtCorrelationId', 'mtUsername', 'mtEmail']);
  assert.deepEqual(['messageText', 'source', 'shortCode', 'mtId', 'mtCorrelationId', 'mtUsername', 'mtEmail'].map(k => query.get(k)), [one.messageText, one.source, one.shortCode, id, '1876', 'CS', 'get@example.com']);
  assert.equal(call.body, '');
});

it('list: those since the last call, once', async () => {
  // Printed without the braces around it, and with a total of 1 over two messages; total is what is returned.
  assert.equal(await reply('5519900000004', '28128', two.messageText), 0);
  await until('three of them', async () => ok(await get('/v1/sms/receive/search', user.cs)).total === 3);
  const answer = ok(await get('/v1/sms/receive/list', user.cs));
  like(answer, { total: 1, start: '2016-09-04T11:12:41Z', end: '2016-09-08T11:17:39.113Z', messages: [one, two] });
  assert.deepEqual([answer.total, answer.messages.length], [3, 3]);
  same(answer.messages[0], one, mt[0]);
  same(answer.messages[2], two, mt[1]);
  const again = ok(await get('/v1/sms/receive/list', user.cs));
  assert.deepEqual([again.total, again.messages], [0, []]);
  assert.equal(Date.parse(answer.end) - Date.parse(answer.start) >= 3 * 86400000, true, 'the last 3 days');
});

// Each owner gets one MO of its own, by the short code that is its.
const owners = async () => {
  if (owners.done) return;
  owners.done = true;
  for (const [code, sub] of [['28130', 'referencia_subconta'], ['28131', 'iFoodMarketing']]) {
    await g.command('short-code', 'assign', code, '--sub-account', sub);
    assert.equal(await reply('5516900000009', code, `para ${sub}`), 0);
  }
  await until('both', async () => ok(await get('/v1/sms/receive/search', user.admin)).total === 5);
};
const subs = answer => answer.messages.map(m => m.subAccount);
const drained = async who => {
  const all = [];
  for (let some; (some = subs(ok(await get('/v1/sms/receive/list', who)))).length;) all.push(...some);
  return all;
};

it('list as an administrator: all sub-accounts, or one', async () => {
  await owners();
  assert.deepEqual(subs(ok(await get('/v1/sms/receive/list?subAccount=referencia_subconta', user.admin))), ['referencia_subconta']);
  assert.deepEqual(await drained(user.admin), ['Marketing', 'Marketing', 'Marketing', 'iFoodMarketing'], 'what the other call left');
  const r = await get('/v1/sms/receive/list?subAccount=referencia_subconta', user.shop);
  assert.deepEqual([r.status, r.json], [403, { errorCode: 403, errorMessage: 'subAccount: only administrators may choose a sub-account' }]);
  assert.deepEqual(subs(ok(await get('/v1/sms/receive/list', user.shop))), ['referencia_subconta'], 'a regular user has a cursor of his own');
});

it('search: by role, by sub-account, consuming nothing', async () => {
  await owners();
  for (let i = 0; i < 2; i++) {
    const answer = ok(await get('/v1/sms/receive/search', user.shop));
    like(answer, { total: 1, start: '2016-09-04T11:12:41Z', end: '2016-09-08T11:17:39.113Z', messages: [without(one, 'mt', 'campaignAlias')] });
    assert.deepEqual(subs(answer), ['referencia_subconta']);
    assert.equal(ok(await get('/v1/sms/receive/search', user.admin)).total, 5);
    assert.deepEqual(subs(ok(await get('/v1/sms/receive/search?subAccount=referencia_subconta', user.admin))), ['referencia_subconta']);
    assert.deepEqual(subs(ok(await get('/v1/sms/receive/search?subAccount=iFoodMarketing', user.admin))), ['iFoodMarketing']);
  }
});

it('search: start and end as printed, and of today', async () => {
  await owners();
  const old = ok(await get('/v1/sms/receive/search?start=2016-09-12T00:00:00&end=2016-09-15T00:00:00', user.admin));
  assert.deepEqual([old.total, old.end], [0, '2016-09-15T00:00:00Z']);
  const back = r => Math.round((Date.now() - Date.parse(r.start)) / 86400000);
  assert.equal(back(old), 5, 'a start of long ago is moved up to five days ago');
  // Printed without the slash behind the host.
  const open = ok(await get('/v1/sms/receive/search?start=2016-09-12T00:00:00', user.admin));
  assert.deepEqual([open.total, back(open)], [5, 5]);
  const before = ok(await get('/v1/sms/receive/search?end=2016-09-15T00:00:00', user.admin));
  assert.deepEqual([before.total, back(before)], [0, 5]);
  const day = ms => new Date(Date.now() + ms).toISOString().slice(0, 19);
  const now = ok(await get(`/v1/sms/receive/search?start=${day(-3600000)}&end=${day(3600000)}`, user.admin));
  assert.deepEqual([now.total, now.start.slice(0, 13)], [5, day(-3600000).slice(0, 13)]);
  assert.equal(ok(await get(`/v1/sms/receive/search?end=${day(-3600000)}`, user.admin)).total, 0);
});

it('the short codes that receive: 27182 and 28149', async () => {
  for (const code of ['27182', '28149']) assert.equal(await reply('5516900000010', code, `a ${code}`), 0);
  const answer = await until('both', async () => {
    const r = ok(await get('/v1/sms/receive/search?subAccount=default', user.admin));
    return r.total === 2 && r;
  });
  assert.deepEqual(answer.messages.map(m => [m.shortCode, m.messageText, 'mt' in m]), [['27182', 'a 27182', false], ['28149', 'a 28149', false]]);
});

it('one without a text: a blank in the call', async () => {
  assert.equal(await reply('5516900000003', '28128', ''), 0);
  const call = await until('the call', () => hooks.calls.find(c => /"messageText":" "|messageText=(%20|\+)&/.test(c.body + c.path)));
  assert.ok(call);
  const { messages } = ok(await get('/v1/sms/receive/search', user.cs));
  assert.equal(messages.at(-1).messageText, '');
});
