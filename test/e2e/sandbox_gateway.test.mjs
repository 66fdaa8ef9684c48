// The whole house over loopback: gateway, sandbox carrier, webhook receiver. Every outcome of the sandbox's table, told as it must be.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, never, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const N = '551190000';

async function world(w, settings = {}, options = {}) {
  const s = await w.peer(Sandbox.start(settings));
  const r = await w.peer(Receiver.listen());
  const g = await w.gateway({ webhook: r.url, connections: [connection(s.url, options)] });
  return { s, r, g };
}

describe('gateway and sandbox', { concurrency: 4 }, () => {
  const table = {
    '0001': [2, 4], 9101: [2, 104], 9102: [202], 9103: [103], 9104: [2, 104], 9058: [2, 4], 9000: [2], 9001: [2, 4], 9002: [2, 4], 9003: [2, 4], 9004: [102], 9007: [2, 4],
  };
  for (const ids of ['hex', 'decimal']) {
    scenario(`every outcome of the table, ids ${ids}`, async w => {
      const { s, r, g } = await world(w, { ids }, { binds: 2, timers: { response: '1s' } });
      await g.up('main', 2);
      const list = Object.entries(table);
      const sent = await g.bulk(list.map(([digits]) => ({ destination: N + digits, messageText: 'Olá' })));
      for (const [i, [digits, [code, delivered]]] of list.entries()) {
        const status = await g.status(sent[i], x => x.sentStatusCode && (!delivered || x.deliveredStatusCode));
        assert.deepEqual([digits, status.sentStatusCode, status.deliveredStatusCode], [digits, code, delivered]);
        await until(`the webhooks of ${digits}`, () => r.of(sent[i]).length === 1 + Boolean(delivered));
        assert.deepEqual(r.of(sent[i]).map(c => c.json.deliveredStatusCode ?? c.json.sentStatusCode), [code, delivered].filter(Boolean));
      }
      await until('the reply of 9007', async () => await g.metric('pombo_mo_total') === 1);
      assert.equal((await s.get('/status')).replies, 1);
      assert.equal((await s.messages(`${N}9004`)).length, 1, 'what is in doubt was sent once');
    });
  }

  scenario('9005: the link goes with the submit; others are not harmed', async w => {
    const { s, g } = await world(w, {}, { binds: 2 });
    const bad = await g.send(`${N}9005`), good = await g.bulk(Array.from({ length: 20 }, (_, i) => ({ destination: `${N}00${String(i).padStart(2, '0')}`, messageText: 'x' })));
    await g.sent(bad, 102);
    for (const id of good) await g.status(id);
    const codes = [...(await g.statuses(good)).values()].map(x => x.sentStatusCode);
    assert.ok(codes.filter(c => c === 2).length >= 10 && codes.every(c => c === 2 || c === 102));
    assert.equal((await s.messages(`${N}9005`)).length, 1);
  });

  scenario('9006: a failed second part fails the message, once', async w => {
    const { s, r, g } = await world(w);
    const byReceipt = await g.send(`${N}9006`, 'a'.repeat(400));
    await g.delivered(byReceipt, 104);
    await s.json('PUT', '/settings', { second_part: 'refuse' });
    const byRefusal = await g.send(`${N}9006`, 'b'.repeat(400));
    await g.sent(byRefusal, 103);
    await until('the webhooks', () => r.of(byReceipt).length === 2 && r.of(byRefusal).length === 1);
    await never('more of them', () => r.calls.length > 3, 200);
  });

  for (const join of ['udh8', 'udh16', 'sar', 'payload']) {
    scenario(`a long text with emoji arrives whole: ${join}`, async w => {
      const { s, g } = await world(w, {}, { profile: { join } });
      const text = `Olá, este é um texto bem longo 😀 ${'çãõ '.repeat(60)}fim 👍`;
      const id = await g.send(`${N}0001`, text);
      await g.delivered(id, 4);
      const m = await s.message(`${N}0001`, x => x.status === 'delivered');
      assert.deepEqual([m.text, m.damaged, m.flash], [text, false, false]);
    });
  }

  scenario('a flaky carrier: throttling, losses, late and missing receipts; every message ends', async w => {
    const { s, g } = await world(w, { throttle: 10, reject: 5, fail: 5, delay: '20ms', rate: 2000 }, { binds: 2 });
    const sent = await g.bulk(Array.from({ length: 400 }, (_, i) => ({ destination: `55119100${String(i).padStart(5, '0')}`, messageText: 'x' })));
    const count = {};
    for (const id of sent) {
      const x = await g.status(id, y => y.sentStatusCode === 103 || y.deliveredStatusCode);
      const key = `${x.sentStatusCode}/${x.deliveredStatusCode ?? ''}`;
      count[key] = (count[key] ?? 0) + 1;
    }
    assert.deepEqual(Object.keys(count).sort().filter(k => !['103/', '2/104', '2/4'].includes(k)), []);
    assert.ok(count['2/4'] > 300, JSON.stringify(count));
    const status = await s.get('/status');
    assert.equal(status.receipts, status.receipts_acked);
    assert.equal(await g.metric('pombo_parked_receipts'), 0);
  });

  scenario('the sandbox restarts: nothing is lost, what waits leaves', async w => {
    const { s, g } = await world(w);
    const port = s.port;
    await g.delivered(await g.send(`${N}0001`), 4);
    await s.close();
    const id = await g.send(`${N}0002`);
    await w.peer(Sandbox.start({ smpp: `127.0.0.1:${port}` }));
    await g.delivered(id, 4);
  });

  scenario('the telephone in the terminal', async w => {
    const s = await w.peer(Sandbox.start({}, '--telephone'));
    const g = await w.gateway({ smsc: s });
    await g.delivered(await g.send(`${N}0001`, 'Ola!'), 4);
    await until('a line', () => /^55119…0001 {2}<- Ola! {2}1 part GSM {2}delivered \d+ ms$/m.test(s.out));
    await s.json('POST', '/reply', { number: `${N}0001`, shortCode: '27182', text: 'Sim' });
    await until('the reply', () => /^55119…0001 {2}-> Sim {2}1 part GSM {2}to 27182$/m.test(s.out));
  });
});
