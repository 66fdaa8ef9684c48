// Every status code that there is: what ends with it, in the status and in the call to the webhook. The document breaks off after 204;
// the others are those that real clients of the same platform know.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { World, connection, until, within } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const w = new World();
const it = within(w);
let g, hooks;

const N = '551190000';
const accepted = async (body, user) => {
  const r = await g.request('POST', '/v1/send-sms', { body, user });
  assert.equal(r.status, 200, r.text);
  return r.json;
};
const ends = async (name, destination, { who = g.user, ...fields } = {}) => {
  const [{ id }] = await accepted({ destination, messageText: 'x', ...fields }, who);
  const level = name in { '4 DELIVERED_SUCCESS': 1, '104 NOT_DELIVERED': 1 } ? 'delivered' : 'sent';
  const status = await until(`the ${level} status of ${destination}`, async () => {
    const found = (await g.statuses([id], who)).get(id);
    return found?.[`${level}StatusCode`] && found;
  });
  assert.equal(`${status[`${level}StatusCode`]} ${status[`${level}Status`]}`, name);
  if (level === 'delivered') assert.equal(`${status.sentStatusCode} ${status.sentStatus}`, '2 SENT_SUCCESS', 'only after it was sent');
  else if (!name.startsWith('2 ')) assert.ok(!('deliveredStatusCode' in status), 'no second level after a failure');
  if (who !== g.user) return;
  const [path, code, words] = level === 'sent' ? ['/sent', 'sentStatusCode', 'sentStatus'] : ['/delivered', 'deliveredStatusCode', 'deliveredStatus'];
  const call = await until('the call', () => hooks.of(id, path)[0]);
  assert.equal(`${call.json[code]} ${call.json[words]}`, name);
};
const onSubmit = {
  [`${N}9103`]: s => s.refuse(0x45), [`${N}9102`]: s => s.nack(), [`${N}9104`]: s => { s.accept(); s.receipt({ stat: 'UNDELIV' }); },
};
const add = async (name, ...set) => {
  await g.command('sub-account', 'add', name);
  if (set.length) await g.command('sub-account', 'set', name, ...set);
  return g.addUser(name, ['--sub-account', name]);
};

before(async () => {
  const smsc = await w.peer(Smsc.listen({
    onSubmit: s => {
      if (onSubmit[s.to]) { onSubmit[s.to](s); return; }
      s.accept();
      if (s.f.registered & 1) s.receipt();
    },
  }));
  hooks = await w.peer(Receiver.listen());
  g = await w.gateway({
    connections: [connection(smsc), connection(smsc, { name: 'plain', profile: { alphabets: ['ascii'] } })],
    routes: [{ prefix: '', connections: ['main'] }, { prefix: '5521', connections: ['plain'] }], webhook: hooks.url,
  });
  await g.up();
});
after(() => w.end());

describe('each code', () => {
  it('2 SENT_SUCCESS', () => ends('2 SENT_SUCCESS', `${N}0002`));
  it('4 DELIVERED_SUCCESS', () => ends('4 DELIVERED_SUCCESS', `${N}0004`));
  it('101 EXPIRED', () => ends('101 EXPIRED', `${N}0101`, { timeWindow: [(new Date().getUTCHours() + 12) % 24], timeZone: 'UTC', expiresAt: Date.now() + 1000 }));
  it('102 CARRIER_COMMUNICATION_ERROR', () => ends('102 CARRIER_COMMUNICATION_ERROR', `${N}9102`));
  it('103 REJECTED_BY_CARRIER', () => ends('103 REJECTED_BY_CARRIER', `${N}9103`));
  it('104 NOT_DELIVERED', () => ends('104 NOT_DELIVERED', `${N}9104`));
  it('201 NO_CREDIT', async () => {
    const who = await add('broke');
    await g.command('credit', 'set', '--amount', '1', '--sub-account', 'broke');
    await ends('2 SENT_SUCCESS', `${N}0201`, { who });
    await ends('201 NO_CREDIT', `${N}0201`, { who });
  });
  it('202 INVALID_DESTINATION_NUMBER', async () => {
    await ends('202 INVALID_DESTINATION_NUMBER', '551130001234'); // "não é um número de celular válido": a land line
    await ends('202 INVALID_DESTINATION_NUMBER', '123');
  });
  it('203 BLACKLISTED', async () => {
    await g.command('block', 'add', `${N}0203`);
    await ends('203 BLACKLISTED', `${N}0203`);
  });
  it('204 DESTINATION_BLOCKED_BY_OPTOUT', async () => {
    await g.command('opt-out', 'add', `${N}0204`, '--sub-account', 'default');
    await ends('204 DESTINATION_BLOCKED_BY_OPTOUT', `${N}0204`);
    await ends('2 SENT_SUCCESS', `${N}0204`, { who: await add('other') });
  });
  it('205 DESTINATION_MESSAGE_LIMIT_REACHED', async () => {
    const who = await add('often', '--class', 'marketing', '--per-destination', '1/1h');
    await ends('2 SENT_SUCCESS', `${N}0205`, { who });
    await ends('205 DESTINATION_MESSAGE_LIMIT_REACHED', `${N}0205`, { who });
  });
  it('207 INVALID_MESSAGE_TEXT', async () => {
    await g.command('words', 'add', 'cassino');
    await ends('207 INVALID_MESSAGE_TEXT', `${N}0207`, { messageText: 'Venha ao CASSINO!' });
    await g.command('words', 'remove', 'cassino');
  });
  it('301 INTERNAL_ERROR', () => ends('301 INTERNAL_ERROR', '5521990000301', { messageText: 'Я не могу 😀' }));
});
