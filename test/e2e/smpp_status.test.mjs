// What an SMSC answers to submit_sm, or does not, and what becomes of the message.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, never, scenario, until } from './peers/gateway.mjs';
import { Smsc, split } from './peers/smsc.mjs';

const TO = '5511900000001';
const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = (n, messageText = 'x') => Array.from({ length: n }, (_, i) => ({ destination: number(i), messageText }));
const numbers = list => list.map(s => s.to);
const inOrder = list => {
  const late = list.findIndex((x, i) => i > 0 && list[i - 1] > x);
  assert.equal(late, -1, `${list[late]} came after ${list[late - 1]}, as number ${late} of ${list.length}: ${list.slice(Math.max(0, late - 3), late + 4)}`);
};

describe('answers', { concurrency: 5 }, () => {
  for (const [name, status] of [['0x58', 0x58], ['0x14', 0x14]]) {
    scenario(`throttled with ${name}: no hammering, the order is kept, and it ends`, async w => {
      let since = 0, open = false;
      const accepted = new Set(), order = [];
      const smsc = await w.peer(Smsc.listen({ onSubmit: s => {
        since ||= Date.now();
        open ||= Date.now() - since > 600 && s.to === number(0);
        if (!open) { s.refuse(status); return; }
        order.push(s.to);
        accepted.add(s.to);
        s.accept();
      } }));
      const g = await w.gateway({ connections: [connection(smsc, { window: 10, timers: { throttle: '100ms' } })] });
      const ids = await g.bulk(many(60));
      for (const id of ids) await g.sent(id, 2);
      assert.equal(order.length, 60);
      inOrder(order);
      const refused = smsc.submits.length - 60;
      assert.ok(refused >= 1 && refused <= 100, `${refused} refusals in 600 ms with a pause of 100 ms and a window of 10`);
      assert.equal(await g.metric('pombo_throttled_total'), refused);
    });
  }

  scenario('one throttled part of a long text comes again alone, as it was', async w => {
    let once = true;
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => {
      if (split(s.f).udh[5] === 2 && once) { once = false; s.refuse(0x58); return; }
      s.accept();
      s.receipt();
    } }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 10 })] });
    const id = await g.send(TO, 'a'.repeat(400));
    await g.delivered(id, 4);
    assert.deepEqual(smsc.submits.map(s => split(s.f).udh[5]), [1, 2, 3, 2]);
    assert.deepEqual(smsc.submits[1].f.text, smsc.submits[3].f.text);
  });

  scenario('refusals are told apart', async w => {
    const wanted = new Map([[0x0b, 202], [0x45, 103], [0x400, 103], [0x01, 103], [0x0a, 103], [0x33, 103], [0x61, 103], [0xc4, 103], [0x4ff, 103], [0x10000, 103]]);
    const list = [...wanted.keys()];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.refuse(list[Number(s.to.slice(-2))]) }));
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(many(list.length));
    for (const [i, id] of ids.entries()) await g.sent(id, wanted.get(list[i]));
    for (const [i, status] of list.entries()) {
      assert.equal(smsc.to(number(i)).length, status === 0x45 ? 2 : 1, `0x${status.toString(16)}`);
      assert.match(await g.timeline(ids[i]), new RegExp(`0x0*${status.toString(16)}\\b`, 'i'), 'the status is in the time line');
    }
  });

  scenario('the connection\'s table of statuses decides', async w => {
    const tries = new Map();
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => {
      const n = (tries.get(s.to) ?? 0) + 1, status = [0x400, 0x401, 0x402, 0x403, 0x58][Number(s.to.slice(-1))];
      tries.set(s.to, n);
      if (n > 1 && status < 0x402) s.accept(); else s.refuse(status);
    } }));
    const statuses = [[0x400, 'temporary'], [0x401, 'throttled'], [0x402, 'bad_number'], [0x403, 'final'], [0x58, 'final']].map(([status, means]) => ({ status, means }));
    const g = await w.gateway({ connections: [connection(smsc, { statuses })] });
    const ids = await g.bulk(many(5));
    const codes = [];
    for (const id of ids) codes.push((await g.status(id)).sentStatusCode);
    assert.deepEqual(codes, [2, 2, 202, 103, 103]);
    assert.deepEqual([...tries.values()], [2, 2, 1, 1, 1]);
  });

  scenario('temporary: another connection of the route is tried', async w => {
    const [one, two] = [await w.peer(Smsc.listen({ onSubmit: s => s.refuse(0x08) })), await w.peer(Smsc.listen())];
    const g = await w.gateway({ connections: [connection(one, { name: 'one' }), connection(two, { name: 'two' })], routes: [{ prefix: '', connections: ['one', { name: 'two', weight: 0 }] }] });
    const ids = await g.bulk(many(10));
    for (const id of ids) await g.delivered(id, 4);
    assert.equal(two.submits.length, 10);
    assert.match(await g.timeline(ids[0]), /one[\s\S]*two/);
  });

  for (const status of [0x08, 0x64, 0xfe, 0xff]) {
    scenario(`temporary 0x${status.toString(16)} for ever: ${status === 8 ? '102 after the last try, and ' : ''}others are not held up`, async w => {
      const smsc = await w.peer(Smsc.listen({ onSubmit: s => (s.to === number(0) ? s.refuse(status) : s.accept()) }));
      const g = await w.gateway({ smsc, sms: { retry: { delay: '200ms', max_delay: '400ms', tries: 3 } } });
      const ids = await g.bulk(many(5));
      for (const id of ids.slice(1)) await g.sent(id, 2);
      await g.sent(ids[0], 102);
      assert.equal(smsc.to(number(0)).length, 3);
      assert.match(await g.timeline(ids[0]), /failover_spent/);
    });
  }

  scenario('generic_nack: 102', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.nack() }));
    const g = await w.gateway({ smsc });
    await g.sent(await g.send(TO), 102);
    assert.equal(smsc.submits.length, 1);
  });

  scenario('an acceptance without a body, with an empty id, with a very long one', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => {
      const n = Number(s.to.slice(-1)), sequence = s.raw.subarray(12, 16);
      const pdu = body => { const b = Buffer.concat([Buffer.alloc(4), Buffer.from('8000000400000000', 'hex'), sequence, Buffer.from(body)]); b.writeUInt32BE(b.length); return b; };
      smsc.raw(pdu([[], [0], `${'9'.repeat(64)}\0`, `${'9'.repeat(200)}\0`][n]));
    } }));
    const g = await w.gateway({ smsc });
    for (const id of await g.bulk(many(4))) await g.sent(id, 2);
    assert.equal(smsc.binds.length, 1);
  });

  scenario('answers out of order find their messages', async w => {
    const held = [];
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => held.push(s) }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 40 })] });
    const ids = await g.bulk(many(40));
    await until('a full window', () => held.length === 40);
    const odd = s => Number(s.to.slice(-2)) % 2;
    held.reverse().sort((a, b) => odd(a) - odd(b)).forEach(s => (odd(s) ? s.refuse(0x0b) : s.accept()));
    for (const [i, id] of ids.entries()) await g.sent(id, i % 2 ? 202 : 2);
  });

  scenario('the second part refused: the message fails once, and no further part leaves', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => (split(s.f).udh[5] === 2 ? s.refuse(0x0b) : s.accept()) }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 1 })] });
    await g.sent(await g.send(TO, 'a'.repeat(600)), 202);
    await g.sent(await g.send(number(2), 'b'.repeat(600)), 202);
    assert.deepEqual(smsc.submits.map(s => split(s.f).udh[5]), [1, 2, 1, 2]);
  });

  scenario('a session refused in the middle (0x04): bound again, sent once more', async w => {
    let once = true;
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => { if (once) { once = false; s.refuse(0x04); } else s.accept(); } }));
    const g = await w.gateway({ smsc });
    await g.sent(await g.send(TO), 2);
    assert.equal(smsc.binds.length, 2);
  });

  scenario('the rate of a connection is kept', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc, { rate: 50 })] });
    await g.up();
    await g.bulk(many(150));
    await until('all', () => smsc.submits.length === 150);
    const took = smsc.submits[149].at - smsc.submits[0].at;
    assert.ok(took >= 1500, `150 parts at 50 a second, a burst of at most one second: ${took} ms`);
  });
});

describe('in doubt', { concurrency: 5 }, () => {
  const mute = { onSubmit: () => {} };
  const slow = { timers: { response: '300ms' } };

  scenario('no answer ever: in doubt, then 102, and not submitted again', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ connections: [connection(smsc, slow)] });
    const id = await g.send(TO);
    await until('doubt', async () => await g.metric('pombo_in_doubt') === 1);
    assert.equal((await g.statuses([id])).get(id)?.sentStatusCode, undefined, 'no stage is reached yet');
    const s = await g.sent(id, 102);
    assert.equal(s.sentStatus, 'CARRIER_COMMUNICATION_ERROR');
    assert.equal(smsc.submits.length, 1);
    assert.equal(await g.metric('pombo_in_doubt'), 0);
    assert.equal(await g.metric('pombo_in_doubt_total'), 1);
    assert.match(await g.timeline(id), /in_doubt|in doubt/);
  });

  scenario('an answer that comes late still counts', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ connections: [connection(smsc, slow)], sms: { in_doubt: { wait: '20s', then: 'end' } } });
    const id = await g.send(TO);
    await until('doubt', async () => await g.metric('pombo_in_doubt') === 1);
    smsc.submits[0].accept();
    await g.sent(id, 2);
    await smsc.submits[0].receipt();
    await g.delivered(id, 4);
    assert.equal(smsc.submits.length, 1);
  });

  scenario('a receipt clears it, its id being unknown', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ connections: [connection(smsc, slow)], sms: { in_doubt: { wait: '20s', then: 'end' } } });
    const [id, other] = await g.bulk(many(2));
    await until('doubt', async () => await g.metric('pombo_in_doubt') === 2);
    await smsc.submits.find(s => s.to === number(0)).receipt({ id: 'UNHEARDOF1' });
    await smsc.submits.find(s => s.to === number(1)).receipt({ id: 'UNHEARDOF2', stat: 'UNDELIV', err: '011' });
    assert.equal((await g.delivered(id, 4)).sentStatusCode, 2);
    assert.equal((await g.delivered(other, 104)).sentStatusCode, 2);
  });

  scenario('a sub-account that prefers twice to never', async w => {
    let heard = 0;
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => { if (heard++) { s.accept(); s.receipt(); } } }));
    const g = await w.gateway({ connections: [connection(smsc, slow)], user: false, sms: { in_doubt: { wait: '500ms', then: 'end' } } });
    await g.command('sub-account', 'add', 'otp', '--in-doubt', 'resend');
    await g.addUser('tester', ['--sub-account', 'otp']);
    const id = await g.send(TO);
    await g.delivered(id, 4);
    assert.equal(smsc.submits.length, 2);
    assert.ok(smsc.submits[1].at - smsc.submits[0].at >= 700, 'not before the wait was over');
    assert.match(await g.timeline(id), /in_doubt|in doubt/);
  });

  scenario('resend as the rule of the house', async w => {
    let heard = 0;
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => { if (heard++) s.accept(); } }));
    const g = await w.gateway({ connections: [connection(smsc, slow)], sms: { in_doubt: { wait: '300ms', then: 'resend' } } });
    await g.sent(await g.send(TO), 2);
    assert.equal(smsc.submits.length, 2);
  });

  scenario('a link dropped with a full window: what was out is in doubt, the rest leaves, nothing twice', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ connections: [connection(smsc, { window: 10 })] });
    const ids = await g.bulk(many(60));
    await until('a full window', () => smsc.submits.length === 10);
    smsc.submits.slice(0, 4).forEach(s => s.accept());
    await until('four taken, four more out', async () => smsc.submits.length === 14 && await g.metric('pombo_messages_sent_total') === 4);
    smsc.onSubmit = s => s.accept();
    const out = new Set(smsc.submits.slice(4, 14).map(s => s.to));
    smsc.cut();
    const codes = new Map();
    for (const [i, id] of ids.entries()) codes.set(number(i), (await g.status(id)).sentStatusCode);
    assert.equal(smsc.submits.length, 60);
    assert.equal(new Set(numbers(smsc.submits)).size, 60, 'nothing twice');
    for (const [to, code] of codes) assert.equal(code, out.has(to) ? 102 : 2, to);
    assert.equal(await g.metric('pombo_in_doubt_total'), 10);
  });

  scenario('two attempts to one number in doubt: a receipt of unknown id is not guessed', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ connections: [connection(smsc, slow)], sms: { in_doubt: { wait: '3s', then: 'end' } } });
    const ids = await g.bulk([{ destination: TO, messageText: 'one' }, { destination: TO, messageText: 'two' }]);
    await until('doubt', async () => await g.metric('pombo_in_doubt') === 2);
    assert.equal(await smsc.submits[0].receipt({ id: 'WHICH' }), 0);
    for (const id of ids) await g.sent(id, 102);
    assert.ok(JSON.stringify(await g.json('receipt', 'parked')).includes('WHICH'));
  });

  scenario('what comes after the end goes to the time line only', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ connections: [connection(smsc, slow)], sms: { in_doubt: { wait: '200ms', then: 'end' } } });
    const [a, b] = await g.bulk(many(2));
    await g.sent(a, 102);
    await g.sent(b, 102);
    const [one, two] = smsc.submits;
    one.accept('ABBA');
    assert.equal(await one.receipt(), 0);
    assert.equal(await two.receipt({ id: 'UNHEARDOF' }), 0);
    await never('another code', async () => [...(await g.statuses([a, b])).values()].some(s => s.sentStatusCode !== 102 || s.deliveredStatusCode), 300);
    assert.match(await g.timeline(a), /too late/);
  });

  scenario('a receipt after a link was lost tells what the answer would have', async w => {
    const smsc = await w.peer(Smsc.listen(mute));
    const g = await w.gateway({ smsc, sms: { in_doubt: { wait: '20s', then: 'end' } } });
    const id = await g.send(TO);
    await until('a submit', () => smsc.submits.length === 1);
    smsc.cut();
    await until('bound again', () => smsc.binds.length === 2 && smsc.links.length === 1);
    assert.equal(await smsc.submits[0].receipt({ id: '0000ABCD' }), 0);
    const s = await g.delivered(id, 4);
    assert.equal(s.sentStatusCode, 2);
    assert.equal(smsc.submits.length, 1);
  });
});

describe('an SMSC that is away', { concurrency: 5 }, () => {
  scenario('the queue waits on disk and drains in order when it is back', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc, { window: 20 })] });
    await g.up();
    await smsc.close();
    await until('the link is down', async () => await g.metric('pombo_connection_up', 'main') === 0);
    const ids = await g.bulk(many(500));
    await never('a status while it is away', async () => [...(await g.statuses(ids.slice(0, 3))).values()].some(s => s.sentStatusCode), 300);
    assert.equal(await g.metric('pombo_queued'), 500);
    await until('its age', async () => await g.metric('pombo_queue_oldest_seconds', 'main') > 0);
    await smsc.open();
    for (const id of ids.slice(-5)) await g.delivered(id, 4);
    await until('all', () => smsc.submits.length === 500);
    inOrder(numbers(smsc.submits));
  });

  scenario('a link lost while a whole window waits to be sent again: the order is kept', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.refuse(0x58) }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 20, timers: { throttle: '400ms' } })] });
    await g.up();
    const ids = await g.bulk(many(40));
    await until('a window of refusals', async () => await g.metric('pombo_throttled_total') >= 20);
    const refused = smsc.submits.length;
    smsc.onSubmit = s => s.accept();
    smsc.cut();
    for (const id of ids) await g.sent(id, 2);
    inOrder(numbers(smsc.submits.slice(refused)));
  });

  scenario('an SMSC that stops reading is not drowned, and goes on where it stopped', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc, { window: 1000 })] });
    await until('bound', () => smsc.links.length === 1);
    const { session } = smsc.links[0];
    session.pause();
    const ids = await g.bulk(many(1000, 'a'.repeat(400)));
    await until('a part of the queue under way', async () => await g.metric('pombo_window_used', 'main') > 0);
    await never('a failure', async () => await g.metric('pombo_in_doubt_total') > 0, 500);
    session.resume();
    await until('all delivered', async () => await g.metric('pombo_messages_delivered_total') === 1000);
    assert.equal(smsc.submits.length, 3000);
    assert.equal((await g.statuses(ids)).size, 1000);
  });

  scenario('the queue outlives the gateway', async w => {
    const smsc = await w.peer(Smsc.listen());
    const { port } = smsc;
    await smsc.close();
    const g = await w.gateway({ connections: [connection(`smpp://127.0.0.1:${port}`)] });
    const ids = await g.bulk(many(200));
    await g.kill();
    await g.start();
    await smsc.open(port);
    for (const id of ids) await g.delivered(id, 4);
    assert.equal(smsc.submits.length, 200);
    inOrder(numbers(smsc.submits));
  });

  scenario('route fail-over: the backup carries while the main one is down, and gives back', async w => {
    const main = await w.peer(Smsc.listen()), backup = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(main), connection(backup, { name: 'backup' })], routes: [{ prefix: '55', connections: ['main', { name: 'backup', weight: 0 }] }] });
    await g.up();
    for (const id of await g.bulk(many(20))) await g.delivered(id, 4);
    assert.deepEqual([main.submits.length, backup.submits.length], [20, 0]);
    await main.close();
    await until('main is down', async () => await g.metric('pombo_connection_up', 'main') === 0);
    for (const id of await g.bulk(many(20))) await g.delivered(id, 4);
    assert.deepEqual([main.submits.length, backup.submits.length], [20, 20]);
    await main.open();
    await g.up();
    for (const id of await g.bulk(many(20))) await g.delivered(id, 4);
    assert.deepEqual([main.submits.length, backup.submits.length], [40, 20]);
  });

  scenario('what is queued for a link that goes down takes the other one', async w => {
    const main = await w.peer(Smsc.listen({ onSubmit: () => {} })), backup = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(main, { window: 5 }), connection(backup, { name: 'backup' })], routes: [{ connections: ['main', { name: 'backup', weight: 0 }] }] });
    await g.up();
    const ids = await g.bulk(many(50));
    await until('a full window', () => main.submits.length === 5);
    await main.close();
    let sent = 0;
    for (const id of ids) sent += (await g.status(id)).sentStatusCode === 2;
    assert.deepEqual([sent, main.submits.length, backup.submits.length], [45, 5, 45]);
  });

  scenario('the longest prefix, and no route at all', async w => {
    const one = await w.peer(Smsc.listen()), two = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(one, { name: 'one' }), connection(two, { name: 'two' })], routes: [{ prefix: '55', connections: ['one'] }, { prefix: '55219', connections: ['two'] }] });
    await g.delivered(await g.send('5511900000001'), 4);
    await g.delivered(await g.send('5521900000001'), 4);
    assert.deepEqual([numbers(one.submits), numbers(two.submits)], [['5511900000001'], ['5521900000001']]);
    const id = await g.send('351912345678');
    await g.sent(id, 102);
    assert.match(await g.timeline(id), /no_route/);
  });

  scenario('weights share while there is room', async w => {
    const one = await w.peer(Smsc.listen()), two = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(one, { name: 'one', window: 1000 }), connection(two, { name: 'two', window: 1000 })], routes: [{ connections: [{ name: 'one', weight: 3 }, { name: 'two', weight: 1 }] }] });
    await g.up('one');
    await g.up('two');
    const ids = await g.bulk(many(400));
    for (const id of ids) await g.delivered(id, 4);
    assert.ok(Math.abs(one.submits.length - 300) <= 60, `${one.submits.length} of 400`);
  });

  scenario('SIGTERM with a full window and a long queue: what is out is finished, the rest is there at the next start', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => setTimeout(() => s.accept(), 100) }));
    const g = await w.gateway({ connections: [connection(smsc, { window: 10 })] });
    const ids = await g.bulk(many(200));
    await until('some', () => smsc.submits.length >= 30);
    await g.stop();
    assert.equal(smsc.unbinds, 1);
    const before = smsc.submits.length;
    assert.ok(before < 200, 'it did not wait for the whole queue');
    smsc.onSubmit = s => s.accept();
    await g.start();
    for (const id of ids) await g.sent(id, 2);
    assert.equal(smsc.submits.length, 200);
    assert.equal(new Set(numbers(smsc.submits)).size, 200, 'nothing twice');
  });
});

