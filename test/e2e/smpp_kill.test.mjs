// The gateway is killed (SIGKILL) around the acknowledgement of a receipt: what was acknowledged to the carrier is known after the
// restart, what was not is sent again by the carrier and counts once.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { Smsc } from './peers/smsc.mjs';

const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = n => Array.from({ length: n }, (_, i) => ({ destination: number(i), messageText: 'x' }));

describe('kill -9 around deliver_sm_resp', { concurrency: 3 }, () => {
  scenario('at the moment an acknowledgement arrives: its receipt is stored', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.accept() }));
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(many(60));
    for (const id of ids) await g.sent(id, 2);
    for (let round = 0; round < 6; round++) {
      await until('bound', () => smsc.links.length === 1);
      const acked = [];
      await Promise.all(smsc.submits.slice(round * 10, round * 10 + 10).map(async s => {
        if (await s.receipt({ stat: round % 2 ? 'UNDELIV' : 'DELIVRD' }) !== 0) return;
        acked.push(s);
        if (acked.length === 1 + round) g.child.kill('SIGKILL');
      }));
      await g.gone;
      await g.start();
      assert.ok(acked.length >= 1 + round);
      const found = await g.statuses(ids);
      for (const s of acked) assert.equal(found.get(ids[Number(s.to.slice(-6))]).deliveredStatusCode, round % 2 ? 104 : 4);
    }
  });

  scenario('before any acknowledgement: the carrier sends it again, and it counts once', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.accept() }));
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(many(40));
    for (const id of ids) await g.sent(id, 2);
    let lost = 0;
    for (let round = 0; round < 4; round++) {
      await until('bound', () => smsc.links.length === 1);
      const list = smsc.submits.slice(round * 10, round * 10 + 10);
      const answers = Promise.all(list.map(s => s.receipt()));
      setImmediate(() => g.child.kill('SIGKILL'));
      const unacked = (await answers).map((a, i) => (a === 0 ? null : list[i])).filter(Boolean);
      lost += unacked.length;
      await g.gone;
      await g.start();
      await until('bound', () => smsc.links.length === 1);
      for (const s of unacked) assert.equal(await s.receipt(), 0);
    }
    assert.ok(lost > 0, 'the gateway died before it acknowledged');
    for (const id of ids) await g.delivered(id, 4);
    assert.equal(smsc.submits.length, 40, 'nothing was submitted twice');
  });

  scenario('with a full window: those are in doubt after the restart, and nothing leaves twice', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: () => {} }));
    const g = await w.gateway({ smsc, sms: { in_doubt: { wait: '1s', then: 'end' } } });
    const ids = await g.bulk(many(250));
    await until('a full window', () => smsc.submits.length === 100);
    await g.kill();
    smsc.onSubmit = s => s.accept();
    await g.start();
    const out = new Set(smsc.submits.slice(0, 100).map(s => s.to));
    for (const [i, id] of ids.entries()) await g.sent(id, out.has(number(i)) ? 102 : 2);
    assert.equal(new Set(smsc.submits.map(s => s.to)).size, smsc.submits.length, 'nothing twice');
    assert.equal(smsc.submits.length, 250);
  });
});
