// The sandbox serves an ESME that is not ours: npm smpp.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { never, scenario, until } from './peers/gateway.mjs';
import { Esme, idOf, ok, stat } from './peers/esme.mjs';
import { Sandbox } from './peers/sandbox.mjs';
import { smpp, split } from './peers/smsc.mjs';
import { selfSigned } from './peers/tls.mjs';

const N = '551190000'; // and four digits
const udh = (ref, total, i) => Buffer.from([5, 0, 3, ref, total, i]);
const part = (ref, total, i, text) => ({ esm_class: 0x40, short_message: { udh: udh(ref, total, i), message: text } });

async function world(w, settings, options) {
  const s = await w.peer(Sandbox.start(settings));
  const e = await w.peer(Esme.bind(s.port, options));
  ok(e.bound);
  return { s, e };
}

describe('npm smpp as ESME of the sandbox', { concurrency: 5 }, () => {
  scenario('accepted, delivered after the delay, seen on the handset', async w => {
    const { s, e } = await world(w, { delay: '300ms' });
    const began = Date.now(), { message_id: id } = ok(await e.submit(`${N}0001`, 'Ola [€] @', { data_coding: 0 })); // npm smpp would say 1, ASCII, and still write GSM
    assert.match(id, /^[0-9A-Fa-f]{8}$/);
    const [receipt] = await e.receipts(`${N}0001`);
    assert.ok(Date.now() - began >= 290);
    assert.deepEqual([stat(receipt), idOf(receipt), receipt.dest], ['DELIVRD', id, '27182']);
    assert.match(receipt.text.toString(), /^id:\S+ sub:\d{3} dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000/i);
    assert.deepEqual([receipt.pdu.receipted_message_id, receipt.pdu.message_state], [id, 2]);
    const m = await s.message(`${N}0001`, x => x.status === 'delivered');
    assert.deepEqual([m.text, m.encoding, m.parts, m.direction, m.shortCode, m.systemId], ['Ola [€] @', 'GSM', 1, 'mt', '27182', 'npm']);
  });

  const receipts = { 9101: 'EXPIRED', 9104: 'UNDELIV' }, refusals = { 9102: 0x0b, 9103: 0x45 };
  scenario('the table: receipts and refusals', async w => {
    const { s, e } = await world(w);
    for (const [digits, state] of Object.entries(receipts)) {
      ok(await e.submit(N + digits));
      assert.equal(stat((await e.receipts(N + digits))[0]), state);
      assert.equal((await s.message(N + digits, m => m.endedAt)).status, 'failed');
    }
    for (const [digits, status] of Object.entries(refusals)) {
      assert.equal((await e.submit(N + digits)).command_status, status);
      assert.equal((await s.message(N + digits)).status, 'refused');
    }
    await never('a receipt for a refusal', () => Object.keys(refusals).some(d => e.from(N + d).length), 150);
  });

  scenario('9058 throttled twice, then accepted, and again', async w => {
    const { e } = await world(w);
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push((await e.submit(`${N}9058`)).command_status);
    assert.deepEqual(statuses, [0x58, 0x58, 0, 0x58, 0x58, 0]);
    await e.receipts(`${N}9058`, 2);
  });

  scenario('9000 no receipt, 9001 receipt first, 9003 the other notation', async w => {
    const { e } = await world(w);
    ok(await e.submit(`${N}9000`));
    const first = e.submit(`${N}9001`).then(r => ({ r, before: e.from(`${N}9001`).length }));
    const { r, before } = await first;
    assert.equal(before, 1, 'the receipt was there before the response');
    assert.equal(idOf(e.from(`${N}9001`)[0]), r.message_id);
    const { message_id: id } = ok(await e.submit(`${N}9003`));
    assert.equal(idOf((await e.receipts(`${N}9003`))[0]), String(parseInt(id, 16)));
    await never('a receipt for 9000', () => e.from(`${N}9000`).length, 200);
  });

  scenario('9002 twice and out of order', async w => {
    const { e } = await world(w);
    ok(await e.submit(`${N}9002`));
    const list = await e.receipts(`${N}9002`, 3);
    assert.deepEqual(list.map(stat), ['DELIVRD', 'ENROUTE', 'DELIVRD']);
    const long = `1${N}9002`, answers = await Promise.all([1, 2].map(i => e.submit(long, '', part(7, 2, i, `part ${i}`)))), ids = answers.map(a => ok(a).message_id);
    const order = (await e.receipts(long, 6)).map(idOf);
    assert.deepEqual([order[0], order.at(-1)], [ids[1], ids[0]]);
  });

  scenario('9004 no response ever, 9005 closes the link', async w => {
    const { s, e } = await world(w);
    let answered = false;
    e.submit(`${N}9004`).then(() => { answered = true; });
    ok(await e.submit(`${N}0002`));
    await never('an answer', () => answered, 250);
    assert.equal((await s.message(`${N}9004`)).status, 'unanswered');
    assert.equal(await e.submit(`${N}9005`), 'closed');
  });

  scenario('9006: the second part of a long text fails, by receipt or by refusal', async w => {
    const { s, e } = await world(w);
    const ids = [];
    for (const i of [1, 2, 3]) ids.push(ok(await e.submit(`${N}9006`, '', part(9, 3, i, `part ${i} `))).message_id);
    const list = await e.receipts(`${N}9006`, 3);
    assert.deepEqual(ids.map(id => stat(list.find(r => idOf(r) === id))), ['DELIVRD', 'UNDELIV', 'DELIVRD']);
    assert.equal((await s.json('PUT', '/settings', { second_part: 'refuse' })).status, 200);
    const statuses = [];
    for (const i of [1, 2]) statuses.push((await e.submit(`1${N}9006`, '', part(10, 2, i, 'x'))).command_status);
    assert.deepEqual(statuses, [0, 0x45]);
  });

  scenario('9007 answers SAIR', async w => {
    const { e } = await world(w);
    ok(await e.submit(`${N}9007`));
    const mo = await until('an MO', () => e.from(`${N}9007`).find(d => !(d.esmClass & 0x3c)));
    assert.deepEqual([mo.text.toString(), mo.dest, mo.registered & 1], ['SAIR', '27182', 0]);
  });

  scenario('long texts in every form are one message on the handset', async w => {
    const { s, e } = await world(w);
    const text = 'um texto longo '.repeat(20), cut = [text.slice(0, 150), text.slice(150)];
    for (const i of [2, 1]) ok(await e.submit(`${N}0011`, '', part(3, 2, i, cut[i - 1])));
    const udh16 = i => Buffer.from([6, 8, 4, 1, 2, 2, i]);
    for (const i of [1, 2]) ok(await e.submit(`${N}0012`, '', { esm_class: 0x40, short_message: { udh: udh16(i), message: cut[i - 1] } }));
    for (const i of [1, 2]) ok(await e.submit(`${N}0013`, cut[i - 1], { sar_msg_ref_num: 5, sar_total_segments: 2, sar_segment_seqnum: i }));
    ok(await e.submit(`${N}0014`, '', { message_payload: { message: text } }));
    for (const last of [11, 12, 13, 14]) {
      const m = await s.message(`${N}00${last}`, x => x.status === 'delivered');
      assert.equal(m.text, text, `${last}`);
      assert.equal(m.parts, last === 14 ? m.parts : 2);
      assert.equal((await s.messages(`${N}00${last}`)).length, 1);
    }
  });

  scenario('UCS-2, emoji, flash, Latin-1', async w => {
    const { s, e } = await world(w);
    ok(await e.submit(`${N}0021`, 'Olá 😀 ção', { data_coding: 8 }));
    ok(await e.submit(`${N}0022`, 'Flash!', { data_coding: 0x10 }));
    ok(await e.submit(`${N}0023`, Buffer.from('ação', 'latin1'), { data_coding: 3 }));
    ok(await e.submit(`${N}0024`, { udh: Buffer.alloc(0), message: Buffer.from('é flash', 'utf16le').swap16() }, { data_coding: 0x18 }));
    const show = async last => { const m = await s.message(`${N}00${last}`); return [m.text, m.encoding, m.flash, m.damaged]; };
    assert.deepEqual(await show(21), ['Olá 😀 ção', 'UCS2', false, false]);
    assert.deepEqual(await show(22), ['Flash!', 'GSM', true, false]);
    assert.deepEqual(await show(23), ['ação', 'Latin-1', false, false]);
    assert.deepEqual(await show(24), ['é flash', 'UCS2', true, false]);
  });

  scenario('receipts only for those who ask', async w => {
    const { s, e } = await world(w);
    ok(await e.submit(`${N}0031`, 'x', { registered_delivery: 0 }));
    ok(await e.submit(`${N}0032`, 'x', { registered_delivery: 2 })); // failures only
    ok(await e.submit(`1${N}9104`, 'x', { registered_delivery: 2 }));
    await e.receipts(`1${N}9104`);
    await s.message(`${N}0032`, m => m.status === 'delivered');
    await never('a receipt', () => e.delivered.length > 1, 200);
  });

  scenario('transmitter and receiver; receipts wait for a receiver', async w => {
    const s = await w.peer(Sandbox.start());
    const tx = await w.peer(Esme.bind(s.port, { mode: 'transmitter' }));
    ok(await tx.submit(`${N}0041`));
    await s.message(`${N}0041`, m => m.status === 'delivered');
    const rx = await w.peer(Esme.bind(s.port, { mode: 'receiver' }));
    assert.equal(stat((await rx.receipts(`${N}0041`))[0]), 'DELIVRD');
    assert.equal(tx.delivered.length, 0);
    assert.equal((await rx.submit(`${N}0042`)).command_status, smpp.ESME_RINVBNDSTS);
    const other = await w.peer(Esme.bind(s.port, { mode: 'receiver', systemId: 'other' }));
    ok(await tx.submit(`${N}0043`));
    await rx.receipts(`${N}0043`);
    assert.equal(other.delivered.length, 0, 'receipts go to who submitted');
  });

  scenario('a receipt that is not answered comes again, on the next link', async w => {
    const { s, e } = await world(w, {}, { answer: false });
    ok(await e.submit(`${N}0051`));
    await e.receipts(`${N}0051`);
    e.session.destroy();
    const again = await w.peer(Esme.bind(s.port));
    assert.equal(idOf((await again.receipts(`${N}0051`))[0]), idOf(e.delivered[0]));
    assert.equal((await s.get('/status')).receipts_acked ?? (await s.get('/status')).receiptsAcked, 1);
  });

  scenario('passwords, states, unknown requests, garbage', async w => {
    const s = await w.peer(Sandbox.start({ system_id: 'npm', password: 'right' }));
    const bad = await w.peer(Esme.bind(s.port, { password: 'wrong' }));
    assert.ok([0x0d, 0x0e, 0x0f].includes(bad.bound.command_status));
    const e = await w.peer(Esme.bind(s.port, { password: 'right' }));
    ok(e.bound);
    const nack = new Promise(r => e.session.once('generic_nack', r));
    e.session.socket.write(Buffer.from('00000010000000770000000000000055', 'hex'));
    const pdu = await nack;
    assert.deepEqual([pdu.command_status, pdu.sequence_number], [3, 0x55]);
    ok(await e.request('enquire_link'));
    assert.notEqual((await e.request('bind_transceiver', { system_id: 'npm', password: 'right' })).command_status, 0, 'bound already');
    ok(await e.request('unbind'));
    await until('closed', () => e.closed);
    const g = await w.peer(Esme.bind(s.port, { password: 'right' }));
    g.session.socket.write(Buffer.alloc(100, 0xff));
    await until('dropped', () => g.closed);
  });

  scenario('query_sm, cancel_sm, data_sm', async w => {
    const { s, e } = await world(w, { delay: '2s' });
    const { message_id: id } = ok(await e.submit(`${N}0061`));
    assert.equal(ok(await e.request('query_sm', { message_id: id, source_addr: '27182' })).message_state, 1);
    ok(await e.request('cancel_sm', { message_id: id, source_addr: '27182', destination_addr: `${N}0061` }));
    assert.equal(ok(await e.request('query_sm', { message_id: id, source_addr: '27182' })).message_state, 4);
    assert.notEqual((await e.request('query_sm', { message_id: 'FFFFFFFF', source_addr: '27182' })).command_status, 0);
    ok(await e.request('data_sm', { source_addr: '27182', destination_addr: `${N}0062`, registered_delivery: 1, data_coding: 0, message_payload: { message: 'by data_sm' } }));
    assert.equal((await s.message(`${N}0062`)).text, 'by data_sm');
  });

  scenario('TLS', async w => {
    const tls = await selfSigned(w);
    const s = await w.peer(Sandbox.start({ smpp: '', smpps: '127.0.0.1:0', certificate: tls.ca, key: tls.keyFile }));
    const e = await w.peer(Esme.bind(s.tlsPort, { tls: true }));
    ok(await e.submit(`${N}0071`));
    await e.receipts(`${N}0071`);
  });

  scenario('replies from the handset: short, long, with emoji', async w => {
    const { s, e } = await world(w);
    const reply = async text => { const r = await s.json('POST', '/reply', { number: `${N}0081`, shortCode: '27182', text }); assert.equal(r.status, 200, JSON.stringify(r.json)); };
    await reply('Sim [€]');
    const [short] = await until('an MO', () => e.delivered.length === 1 && e.delivered);
    assert.deepEqual([short.source, short.dest, short.coding, short.esmClass & 0x3c, short.text.toString('hex')], [`${N}0081`, '27182', 0, 0, smpp.encodings.ASCII.encode('Sim [€]').toString('hex')]);
    const long = `${'resposta '.repeat(20)}😀`;
    await reply(long);
    const parts = await until('its parts', () => { const l = e.delivered.slice(1); return l.length && split(l[0]).udh?.[4] === l.length && l; });
    assert.ok(parts.length >= 3 && parts.every((p, i) => p.coding === 8 && split(p).udh[5] === i + 1));
    assert.equal(Buffer.concat(parts.map(p => split(p).body)).swap16().toString('utf16le'), long);
    assert.equal((await s.json('POST', '/reply', { number: 'x' })).status, 400);
  });

  scenario('two thousand submits at once', async w => {
    const { s, e } = await world(w, { delay: '10ms' });
    const answers = await Promise.all(Array.from({ length: 2000 }, (_, i) => e.submit(`5511800${String(i).padStart(6, '0')}`)));
    assert.equal(new Set(answers.map(a => ok(a).message_id)).size, 2000);
    await until('all receipts', () => e.delivered.length === 2000);
    assert.equal((await s.get('/status')).accepted, 2000);
  });
});
