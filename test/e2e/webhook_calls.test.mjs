// Webhooks: what is told, signed, in which order, and what becomes of receivers that misbehave.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe } from 'node:test';
import { SECRET, never, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';
import { selfSigned } from './peers/tls.mjs';

const { Webhook } = createRequire(import.meta.url)('standardwebhooks');
const TO = '5511900000001';
const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = n => Array.from({ length: n }, (_, i) => ({ destination: number(i), messageText: 'x' }));
const verify = (call, secret = SECRET) => new Webhook(secret).verify(call.body, call.headers);
const calls = (r, id, n) => until(() => `${n} calls about ${id}, of ${r.of(id).length}`, () => r.of(id).length >= n && r.of(id));

async function world(w, options = {}, receiver = {}) {
  const smsc = await w.peer(Smsc.listen(options.smsc));
  const r = await w.peer(Receiver.listen(receiver));
  const g = await w.gateway({ webhook: r.url, ...options, smsc });
  return { smsc, r, g };
}

describe('what is told', { concurrency: 5 }, () => {
  scenario('an operator that is configured no more is none, in calls as in statuses', async w => {
    const { g, r, smsc } = await world(w);
    await g.command('connection', 'pause', 'main');
    const id = await g.send(TO);
    assert.equal((await g.statuses([id])).get(id).carrierId, 1);
    await g.command('webhook', 'set', '--sub-account', 'default', '--mo', `${r.url}/mo`);
    g.configure({ smsc, operators: [] });
    g.child.kill('SIGHUP');
    await until('the reload', () => g.log().includes(' reloaded '));
    await g.command('connection', 'resume', 'main');
    const told = (await calls(r, id, 2)).map(c => [c.json.carrierId, c.json.carrierName]);
    assert.deepEqual(told, [[0, 'UNKNOWN'], [0, 'UNKNOWN']]);
    const { carrierId, carrierName } = (await g.statuses([id])).get(id);
    assert.deepEqual([carrierId, carrierName], [0, 'UNKNOWN']);
    // An MO takes the operator over from the message that it answers.
    await smsc.deliver(null, { source_addr_ton: 1, source_addr_npi: 1, source_addr: TO, dest_addr_ton: 3, destination_addr: '27182', short_message: 'Oi' });
    const mo = await until('the MO', () => r.calls.find(c => c.path === '/mo'));
    assert.deepEqual([mo.json.carrierId, mo.json.carrierName, mo.json.mt.id], [0, 'UNKNOWN', id]);
  });

  scenario('sent and delivered with exactly their fields, signed', async w => {
    const { g, r } = await world(w);
    const id = await g.send(TO, 'Olá', { correlationId: 'pedido "1" ñ', extraInfo: 'a\nb\\c\u2028' });
    const [sent, delivered] = await calls(r, id, 2);
    assert.deepEqual([sent.path, delivered.path, sent.method], ['/sent', '/delivered', 'POST']);
    assert.match(sent.headers['content-type'], /^application\/json/);
    const common = { id, correlationId: 'pedido "1" ñ', carrierId: 1, carrierName: 'VIVO', destination: TO, sentStatusCode: 2, sentStatus: 'SENT_SUCCESS', extraInfo: 'a\nb\\c\u2028' };
    const { sentAt, sentDate, ...restOfSent } = verify(sent);
    assert.deepEqual(restOfSent, common);
    const { sentStatusAt, sentStatusDate, deliveredAt, deliveredDate, ...restOfDelivered } = verify(delivered);
    assert.deepEqual(restOfDelivered, { ...common, sentAt, sentDate, deliveredStatusCode: 4, deliveredStatus: 'DELIVERED_SUCCESS' });
    assert.deepEqual([sentStatusAt, sentStatusDate], [sentAt, sentDate]);
    for (const [at, date] of [[sentAt, sentDate], [deliveredAt, deliveredDate]]) {
      assert.ok(Number.isInteger(at) && Math.abs(Date.now() - at) < 60000, `${at}`);
      assert.equal(date, `${new Date(at).toISOString().slice(0, 19)}Z`);
    }
    assert.notEqual(sent.headers['webhook-id'], delivered.headers['webhook-id']);
    assert.throws(() => new Webhook(SECRET).verify(`${sent.body} `, sent.headers), /signature/i);
    assert.throws(() => verify(sent, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), /signature/i);
  });

  scenario('without a correlationId the id stands for it; extraInfo is empty', async w => {
    const { g, r } = await world(w);
    const id = await g.send(TO);
    const [sent] = await calls(r, id, 2);
    assert.deepEqual([sent.json.correlationId, sent.json.extraInfo, 'campaignId' in sent.json], [id, '', false]);
  });

  scenario('every end that comes before the carrier is told as sent, and nothing more', async w => {
    const { g, r } = await world(w, { smsc: { onSubmit: s => s.refuse(0x0b) } });
    const bad = await g.send('123'), refused = await g.send(TO);
    const [a] = await calls(r, bad, 1), [b] = await calls(r, refused, 1);
    assert.deepEqual([a.path, a.json.sentStatusCode, a.json.carrierId, a.json.carrierName, a.json.destination], ['/sent', 202, 0, 'UNKNOWN', '123']);
    assert.deepEqual([b.path, b.json.sentStatusCode, b.json.sentStatus], ['/sent', 202, 'INVALID_DESTINATION_NUMBER']);
    await never('a delivery report', () => r.calls.length > 2, 200);
  });

  scenario('not delivered', async w => {
    const { g, r } = await world(w, { smsc: { onSubmit: s => { s.accept(); s.receipt({ stat: 'UNDELIV' }); } } });
    const [, delivered] = await calls(r, await g.send(TO), 2);
    assert.deepEqual([delivered.json.deliveredStatusCode, delivered.json.deliveredStatus], [104, 'NOT_DELIVERED']);
  });

  scenario('a message of several parts is told once', async w => {
    const { g, r } = await world(w);
    const id = await g.send(TO, 'a'.repeat(600));
    await calls(r, id, 2);
    await never('more', () => r.of(id).length > 2, 200);
  });

  scenario('a new secret: for a day the old one signs too', async w => {
    const { g, r } = await world(w);
    const { stdout } = await g.command('webhook', 'set', '--username', 'tester', '--secret', 'new');
    const fresh = /whsec_\S+/.exec(stdout)[0];
    const [sent] = await calls(r, await g.send(TO), 1);
    assert.equal(sent.headers['webhook-signature'].split(' ').length, 2);
    verify(sent, fresh);
    verify(sent, SECRET);
    const { stdout: listed } = await g.command('webhook', 'list');
    assert.ok(!listed.includes(fresh) && !listed.includes(SECRET), 'secrets are shown once');
  });

  scenario('a secret is made and shown where none is given', async w => {
    const { g, r } = await world(w, { webhook: undefined });
    const { stdout } = await g.command('webhook', 'set', '--username', 'tester', '--sent', `${r.url}/here`);
    const id = await g.send(TO);
    const [sent] = await calls(r, id, 1);
    verify(sent, /whsec_\S+/.exec(stdout)[0]);
    await g.delivered(id, 4);
    await never('a delivery report nobody asked for', () => r.of(id).length > 1, 150);
  });

  scenario('the user\'s URL wins over the sub-account\'s; both work at once', async w => {
    const { g, r } = await world(w, { webhook: undefined });
    await g.command('webhook', 'set', '--sub-account', 'default', '--sent', `${r.url}/sub`, '--secret', SECRET);
    assert.equal((await calls(r, await g.send(TO), 1))[0].path, '/sub');
    await g.command('webhook', 'set', '--username', 'tester', '--sent', `${r.url}/user`, '--secret', SECRET);
    const id = await g.send(TO);
    assert.equal((await calls(r, id, 1))[0].path, '/user');
    const other = await g.addUser('other');
    assert.equal((await calls(r, await g.send(TO, 'x', {}, other), 1))[0].path, '/sub');
    assert.equal(r.of(id).length, 1);
  });

  scenario('credentials and headers of the receiver\'s own', async w => {
    const { g, r } = await world(w, { webhook: undefined });
    await g.webhookOf(r, '--basic', 'ana:s:e nha', '--header', 'X-Key: k 1', '--header', 'X-Other: 2');
    const [sent] = await calls(r, await g.send(TO), 1);
    assert.equal(sent.headers.authorization, `Basic ${Buffer.from('ana:s:e nha').toString('base64')}`);
    assert.deepEqual([sent.headers['x-key'], sent.headers['x-other']], ['k 1', '2']);
    verify(sent);
    assert.ok(!g.log().includes('s:e nha'));
  });

  scenario('https, vouched for by a file of the configuration', async w => {
    const tls = await selfSigned(w);
    const { g, r } = await world(w, { webhooks: { allow: ['127.0.0.0/8'], ca: tls.ca } }, { tls });
    const [sent] = await calls(r, await g.send(TO), 2);
    verify(sent);
  });

  scenario('https that nobody vouches for is not called', async w => {
    const tls = await selfSigned(w);
    const { g, r } = await world(w, {}, { tls });
    const id = await g.send(TO);
    await g.delivered(id, 4);
    await until('a failed try', async () => await g.metric('pombo_webhooks_failed_total') > 0);
    assert.equal(r.calls.length, 0);
  });

  scenario('a thousand messages, each told', async w => {
    const { g, r } = await world(w);
    const ids = await g.bulk(many(1000));
    await until('all', () => r.calls.length >= 2000);
    const order = new Map();
    for (const c of r.calls) order.set(c.json.id, [...(order.get(c.json.id) ?? []), c.path]);
    for (const id of ids) assert.deepEqual(order.get(id), ['/sent', '/delivered']);
    await until('nothing pending', async () => await g.metric('pombo_webhooks_pending') === 0);
    r.calls.slice(0, 20).forEach(c => verify(c));
  });

  scenario('`webhook test` calls with a made-up status', async w => {
    const { g, r } = await world(w);
    const { stdout } = await g.command('webhook', 'test', '--username', 'tester');
    assert.match(stdout, /200/);
    verify(r.calls[0]);
    assert.equal(r.calls[0].path, '/sent');
  });
});
