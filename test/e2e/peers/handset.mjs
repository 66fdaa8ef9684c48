// What the tests of messages from handsets share: an SMSC whose handsets speak, and what the API lists of it.
import assert from 'node:assert/strict';
import { until } from './gateway.mjs';
import { Receiver } from './receiver.mjs';
import { Smsc } from './smsc.mjs';

export const TO = '5511900000001', OTHER = '5511900000002', CODE = '27182';
export const ucs2 = text => Buffer.from(text, 'utf16le').swap16();
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
export const DAY = 86400000;

export async function world(w, options = {}) {
  const smsc = await w.peer(Smsc.listen());
  const r = await w.peer(Receiver.listen());
  const g = await w.gateway({ smsc, ...options });
  await g.command('webhook', 'set', '--sub-account', 'default', '--mo', `${r.url}/mo`);
  await g.up();
  return { smsc, r, g };
}

// A handset sends: octets as they are, default alphabet. Resolves to the status of the gateway's answer.
export function say(smsc, text, { from = TO, to = CODE, command, ...pdu } = {}) {
  return smsc.deliver(null, {
    source_addr_ton: 1, source_addr_npi: 1, source_addr: from, dest_addr_ton: 3, dest_addr_npi: 0, destination_addr: to, data_coding: 0,
    ...(command === 'data_sm' ? { message_payload: { message: Buffer.from(text, 'latin1') } } : { short_message: Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1') }), ...pdu,
  }, command);
}
export async function says(smsc, text, more) { assert.equal(await say(smsc, text, more), 0); }

// How long texts are cut on the air: fn(ref, total, i, octets) is what goes into the PDU.
export const joins = {
  'UDH 8 bit': (ref, total, i, p) => ({ esm_class: 0x40, short_message: Buffer.concat([Buffer.from([5, 0, 3, ref & 255, total, i]), p]) }),
  'UDH 16 bit': (ref, total, i, p) => ({ esm_class: 0x40, short_message: Buffer.concat([Buffer.from([6, 8, 4, ref >> 8, ref & 255, total, i]), p]) }),
  SAR: (ref, total, i, p) => ({ short_message: p, sar_msg_ref_num: ref, sar_total_segments: total, sar_segment_seqnum: i }),
};
// One PDU for each text, in the order of `order` (1-based), answered before the next is sent.
export async function sayParts(smsc, join, ref, texts, order, more = {}) {
  for (const i of order) await says(smsc, '', { data_coding: 8, ...joins[join](ref, texts.length, i, ucs2(texts[i - 1])), ...more });
}

export const receive = async (g, what, user) => {
  const r = await g.request('GET', `/v1/sms/receive/${what}`, { user });
  assert.equal(r.status, 200, r.text);
  assert.deepEqual(Object.keys(r.json), ['total', 'start', 'end', 'messages']);
  assert.equal(r.json.total, r.json.messages.length);
  assert.match(r.json.start, DATE);
  assert.match(r.json.end, DATE);
  for (const m of r.json.messages) {
    assert.deepEqual(Object.keys(m), ['id', 'subAccount', ...(m.campaignAlias ? ['campaignAlias'] : []), 'carrierId', 'carrierName', 'source', 'shortCode', 'messageText', 'receivedAt', 'receivedDate', ...(m.mt ? ['mt'] : [])]);
    assert.match(m.id, UUID);
    assert.equal(Date.parse(m.receivedDate), Math.floor(m.receivedAt / 1000) * 1000);
    if (m.mt) assert.deepEqual(Object.keys(m.mt), ['id', 'correlationId', 'username', 'email']);
  }
  return r.json;
};
export const texts = async (g, what, user) => (await receive(g, what, user)).messages.map(m => m.messageText);
export const told = (r, n) => until(() => `${n} calls of the webhook, of ${r.calls.length}`, () => r.calls.length >= n && r.calls);
export const reached = (smsc, to, n = 1) => until(() => `${n} messages to ${to}`, () => smsc.to(to).length >= n && smsc.to(to));
export const user = async (g, name, ...more) => {
  const { token } = await g.json('user', 'add', '--username', name, '--email', `${name}@example.com`, ...(more.includes('--role') ? [] : ['--role', 'regular']), ...more);
  return { username: name, authenticationtoken: token };
};
