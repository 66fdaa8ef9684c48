// Delivery receipts in all the ways carriers send them.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, never, scenario, until } from './peers/gateway.mjs';
import { Smsc, receiptText, split } from './peers/smsc.mjs';

const TO = '5511900000001';
const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = (n, messageText = 'x') => Array.from({ length: n }, (_, i) => ({ destination: number(i), messageText }));
const accepting = { onSubmit: s => s.accept() };
const parked = g => g.json('receipt', 'parked');

describe('receipts', { concurrency: 5 }, () => {
  scenario('every state, as text, as TLVs, and as both', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const states = ['DELIVRD', 'EXPIRED', 'DELETED', 'UNDELIV', 'REJECTD', 'UNKNOWN'], forms = ['text', 'tlv', 'both'];
    const ids = await g.bulk(many(18));
    for (const id of ids) await g.sent(id, 2);
    for (let i = 0; i < 18; i++) {
      const status = await smsc.to(number(i))[0].receipt({ stat: states[i % 6], form: forms[Math.floor(i / 6)], err: i % 6 ? '011' : '000' });
      assert.equal(status, 0);
    }
    for (const [i, id] of ids.entries()) await g.delivered(id, i % 6 ? 104 : 4);
    assert.match(await g.timeline(ids[3]), /UNDELIV[\s\S]*11/i, 'the state and the error are in the time line');
  });

  scenario('a text in any spelling, and words of the user that look like one', async w => {
    const texts = [
      id => `ID:${id} Sub:001 Dlvrd:001 Submit Date:261122120000 Done Date:261122120100 Stat:DELIVRD Err:0 Text:Ola`,
      id => `stat:DELIVRD id:${id} err:000`,
      id => `id:${id} sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 text:stat:UNDELIV id:9`,
      id => `id: ${id} stat: DELIVRD`,
      id => `id:${id} stat:delivrd err:`,
      id => `id:${id} sub:001 dlvrd:001 submit date: done date: stat:DELIVRD err:000 Text:\0\0`,
      id => `id:${id}\tstat:DELIVRD`,
    ];
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(many(texts.length));
    for (const id of ids) await g.sent(id, 2);
    for (const [i, text] of texts.entries()) {
      const s = smsc.to(number(i))[0];
      assert.equal(await s.receipt({ text: text(s.id) }), 0);
    }
    for (const id of ids) await g.delivered(id, 4);
  });

  scenario('the text in message_payload, and by data_sm', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const [a, b] = await g.bulk(many(2));
    await g.sent(a, 2);
    await g.sent(b, 2);
    const [one, two] = [smsc.to(number(0))[0], smsc.to(number(1))[0]];
    assert.equal(await smsc.deliver(one.link, { esm_class: 4, source_addr: one.to, destination_addr: one.from, short_message: Buffer.alloc(0), message_payload: Buffer.from(receiptText({ id: one.id })) }), 0);
    const answer = await new Promise(r => two.link.session.data_sm({ esm_class: 4, source_addr: two.to, destination_addr: two.from, receipted_message_id: two.id, message_state: 5, message_payload: Buffer.from(receiptText({ id: two.id, stat: 'UNDELIV' })) }, r));
    assert.equal(answer.command_status, 0);
    await g.delivered(a, 4);
    await g.delivered(b, 104);
  });

  scenario('ids in the other notation, with other zeros and other case', async w => {
    const ids = ['0000ABCD', '00001004', '4301', 'abcdef01', 'F-77/x', '18446744073709551615'];
    const back = ['43981', '4100', '10cd', 'ABCDEF01', 'F-77/x', 'ffffffffffffffff'];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.accept(ids[Number(s.to.slice(-1))]) }));
    const g = await w.gateway({ smsc });
    const messages = await g.bulk(many(ids.length));
    for (const id of messages) await g.sent(id, 2);
    for (const [i, id] of back.entries()) await smsc.to(number(i))[0].receipt({ id, form: i % 2 ? 'both' : 'text' });
    for (const id of messages) await g.delivered(id, 4);
  });

  scenario('an exact match wins over one in the other notation', async w => {
    const ids = ['10', '16', '0A']; // 10 read as hexadecimal is 16
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.accept(ids[Number(s.to.slice(-1))]) }));
    const g = await w.gateway({ smsc });
    const messages = await g.bulk(many(3));
    for (const id of messages) await g.sent(id, 2);
    await smsc.to(number(1))[0].receipt({ id: '16' });
    await g.delivered(messages[1], 4);
    await smsc.to(number(0))[0].receipt({ id: '10', stat: 'UNDELIV' });
    await g.delivered(messages[0], 104);
    await never('the third one', async () => (await g.statuses([messages[2]])).get(messages[2]).deliveredStatusCode, 150);
  });

  scenario('ids: exact does not guess', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.accept('0000ABCD') }));
    const g = await w.gateway({ connections: [connection(smsc, { profile: { ids: 'exact' } })] });
    const id = await g.send(TO);
    await g.sent(id, 2);
    assert.equal(await smsc.submits[0].receipt({ id: '43981' }), 0);
    await until('it is parked', async () => await g.metric('pombo_parked_receipts') === 1);
    await smsc.submits[0].receipt({ id: '0000ABCD', stat: 'UNDELIV' });
    await g.delivered(id, 104);
  });

  scenario('before the response', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: async s => {
      const id = smsc.newId();
      const status = await s.receipt({ id, form: s.to.endsWith('1') ? 'both' : 'text' });
      assert.equal(status, 0, 'it is stored although nobody knows the id yet');
      s.accept(id);
    } }));
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(many(6));
    for (const id of ids) assert.equal((await g.delivered(id, 4)).sentStatusCode, 2);
    assert.equal(await g.metric('pombo_parked_receipts'), 0);
  });

  scenario('before the response, and the gateway is killed in between', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: () => {} }));
    const g = await w.gateway({ smsc, sms: { in_doubt: { wait: '20s', then: 'end' } } });
    const ids = await g.bulk(many(2));
    await until('submits', () => smsc.submits.length === 2);
    assert.equal(await smsc.submits[0].receipt({ id: 'FEED01' }), 0);
    await g.kill();
    await g.start();
    await g.delivered(ids[0], 4);
    await until('bound', () => smsc.links.length === 1);
    assert.equal(await smsc.submits[1].receipt({ id: 'FEED02' }), 0);
    await g.delivered(ids[1], 4);
    assert.equal(smsc.submits.length, 2, 'nothing twice');
  });

  scenario('twice, and out of order: the first final one counts', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const calls = [];
    const g = await w.gateway({ smsc });
    const id = await g.send(TO);
    await g.sent(id, 2);
    const [s] = smsc.submits;
    for (const stat of ['ACCEPTD', 'ENROUTE', 'DELIVRD', 'DELIVRD', 'ENROUTE', 'UNDELIV', 'ACCEPTD']) calls.push(await s.receipt({ stat }));
    assert.deepEqual(calls, Array(7).fill(0), 'all of them are acknowledged');
    await never('another state', async () => (await g.statuses([id])).get(id).deliveredStatusCode !== 4, 200);
    assert.equal((await g.timeline(id)).match(/too late/g).length, 4, 'the late ones are in the time line');
    assert.equal(await g.metric('pombo_messages_delivered_total'), 1);
    assert.equal(await g.metric('pombo_messages_undelivered_total'), 0);
  });

  scenario('the time line says what a late receipt said', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const id = await g.send(TO);
    await g.sent(id, 2);
    await smsc.submits[0].receipt();
    await smsc.submits[0].receipt({ stat: 'UNDELIV' });
    assert.match(await g.timeline(id), /too late.*UNDELIV/i);
  });

  scenario('ENROUTE and an intermediate notification say nothing final', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const id = await g.send(TO);
    await g.sent(id, 2);
    assert.equal(await smsc.submits[0].receipt({ stat: 'ENROUTE', form: 'both' }), 0);
    assert.equal(await smsc.submits[0].receipt({ stat: 'ENROUTE', esmClass: 0x20, form: 'both' }), 0);
    await never('a delivered code', async () => (await g.statuses([id])).get(id).deliveredStatusCode, 200);
    await smsc.submits[0].receipt();
    await g.delivered(id, 4);
  });

  scenario('on another bind, and on another link of the carrier', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ connections: [connection(smsc, { binds: 3 })] });
    await g.up('main', 3);
    const ids = await g.bulk(many(9));
    for (const id of ids) await g.sent(id, 2);
    for (const [i, s] of smsc.submits.entries()) await s.receipt({ link: smsc.links.filter(l => l !== s.link)[i % 2] });
    for (const id of ids) await g.delivered(id, 4);
  });

  scenario('for ids nobody knows: stored, acknowledged, shown, also after a restart', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    await until('bound', () => smsc.links.length === 1);
    for (const [i, stat] of ['DELIVRD', 'UNDELIV', 'ENROUTE'].entries()) {
      assert.equal(await smsc.deliver(null, { esm_class: 4, source_addr: number(i), destination_addr: '27182', short_message: Buffer.from(receiptText({ id: `DEAD${i}`, stat })) }), 0);
    }
    const shown = await until('parked receipts', async () => { const list = await parked(g); return list.length >= 2 && list; });
    assert.ok(JSON.stringify(shown).includes('DEAD0') && JSON.stringify(shown).includes('DEAD1'), JSON.stringify(shown));
    assert.ok(await g.metric('pombo_receipts_unmatched_total') >= 2);
    await g.kill();
    await g.start();
    assert.deepEqual((await parked(g)).length, shown.length);
    assert.equal(await g.metric('pombo_parked_receipts'), shown.length);
  });

  scenario('a parked receipt is matched when the id turns up', async w => {
    const held = [];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => held.push(s) }));
    const g = await w.gateway({ smsc });
    const id = await g.send(TO);
    await until('a submit', () => held.length === 1);
    assert.equal(await held[0].receipt({ id: 'BEEF0001' }), 0);
    await until('parked', async () => await g.metric('pombo_parked_receipts') === 1);
    held[0].accept('BEEF0001');
    await g.delivered(id, 4);
    await until('no longer parked', async () => await g.metric('pombo_parked_receipts') === 0);
    assert.deepEqual(await parked(g), []);
  });

  scenario('a receipt of one carrier does not count for another one that uses the same ids', async w => {
    const one = await w.peer(Smsc.listen(accepting)), two = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ connections: [connection(one, { name: 'one' }), connection(two, { name: 'two' })], routes: [{ prefix: '5511', connections: ['one'] }, { prefix: '5521', connections: ['two'] }] });
    const [a, b] = [await g.send('5511900000001'), await g.send('5521900000001')];
    await g.sent(a, 2);
    await g.sent(b, 2);
    assert.equal(one.submits[0].id, two.submits[0].id);
    await two.submits[0].receipt({ stat: 'UNDELIV' });
    await g.delivered(b, 104);
    await never('the other one', async () => (await g.statuses([a])).get(a).deliveredStatusCode, 150);
    await one.submits[0].receipt();
    await g.delivered(a, 4);
  });

  scenario('parts: delivered when every one is, and one outcome only', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const id = await g.send(TO, 'a'.repeat(450));
    await g.sent(id, 2);
    const [a, b, c] = smsc.submits;
    await c.receipt();
    await a.receipt();
    await a.receipt();
    await never('delivered before the last part', async () => (await g.statuses([id])).get(id).deliveredStatusCode, 150);
    await b.receipt();
    await g.delivered(id, 4);
    assert.equal(await g.metric('pombo_messages_delivered_total'), 1);
  });

  scenario('parts: one that fails fails the message', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const id = await g.send(TO, 'a'.repeat(450));
    await g.sent(id, 2);
    const [a, b, c] = smsc.submits;
    await a.receipt();
    await b.receipt({ stat: 'UNDELIV', err: '027' });
    await g.delivered(id, 104);
    assert.equal(await c.receipt(), 0);
    await never('another outcome', async () => (await g.statuses([id])).get(id).deliveredStatusCode !== 104, 150);
    assert.equal(await g.metric('pombo_messages_undelivered_total'), 1);
  });

  scenario('a receipt of part one that comes before part two is even submitted', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: async s => { s.accept(); if (split(s.f).udh[5] === 1) await s.receipt(); } }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 1 })] });
    const id = await g.send(TO, 'a'.repeat(300));
    await g.sent(id, 2);
    await until('both', () => smsc.submits.length === 2);
    await smsc.submits[1].receipt();
    await g.delivered(id, 4);
  });

  scenario('an operator without reports: sent is the last word', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    const id = await g.send('5531999999999');
    const s = await g.sent(id, 2);
    assert.equal(s.carrierName, 'OI');
    assert.match(await g.timeline(id), /no_reports/);
  });

  scenario('a message from a handset (MO) is stored before it is acknowledged, its parts too', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ smsc });
    await until('bound', () => smsc.links.length === 1);
    const mo = (text, more = {}) => smsc.deliver(null, { source_addr_ton: 1, source_addr: TO, dest_addr_ton: 3, destination_addr: '27182', short_message: text, ...more });
    assert.equal(await mo(Buffer.from('Sim')), 0);
    assert.equal(await mo(Buffer.alloc(0)), 0);
    assert.equal(await mo(Buffer.from('\0\x01\xff', 'latin1'), { data_coding: 8 }), 0, 'a broken text is no reason to refuse');
    for (const i of [2, 1]) assert.equal(await mo({ udh: Buffer.from([5, 0, 3, 9, 2, i]), message: `parte ${i}` }, { esm_class: 0x40 }), 0);
    await until('all counted', async () => await g.metric('pombo_mo_total') >= 4);
    assert.equal(await g.metric('pombo_receipts_total'), 0);
  });

  scenario('from a long queue of receipts none is lost when the gateway is busy', async w => {
    const smsc = await w.peer(Smsc.listen(accepting));
    const g = await w.gateway({ connections: [connection(smsc, { binds: 2 })] });
    const ids = await g.bulk(many(1000));
    await until('all sent', async () => await g.metric('pombo_messages_sent_total') === 1000);
    const answers = await Promise.all(smsc.submits.map(s => s.receipt()));
    assert.ok(answers.every(a => a === 0));
    await until('all delivered', async () => await g.metric('pombo_messages_delivered_total') === 1000);
    const found = await g.statuses(ids);
    assert.ok(ids.every(id => found.get(id).deliveredStatusCode === 4));
  });
});
