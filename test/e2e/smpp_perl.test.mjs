// A second SMSC that nobody here wrote: Net::SMPP.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, scenario, until } from './peers/gateway.mjs';
import { Peer } from './peers/process.mjs';

const number = i => `5511900${String(i).padStart(6, '0')}`;

describe('Net::SMPP as SMSC', () => {
  scenario('answers and receipts in its spelling', async w => {
    const smsc = await w.peer(Peer.perl('smsc.pl'));
    const g = await w.gateway({ connections: [connection(`smpp://127.0.0.1:${smsc.port}`, { timers: { enquire_link: '1s' } })] });
    const ids = await g.bulk(Array.from({ length: 50 }, (_, i) => ({ destination: number(i), messageText: `Olá ${i}` })));
    const sent = [2, 2, 202, 2, 103, 2, 2, 2, 2, 2], delivered = [4, 4, undefined, 4, undefined, 4, 4, 4, 104, undefined];
    for (const [i, id] of ids.entries()) {
      await g.sent(id, sent[i % 10]);
      if (delivered[i % 10]) await g.delivered(id, delivered[i % 10]);
    }
    const seen = what => smsc.lines.filter(l => what in l);
    await until('all acknowledged', () => seen('acknowledged').length === 35);
    assert.ok(seen('acknowledged').every(a => a.acknowledged === 0 && a.id === ''));
    assert.equal(seen('submit').length, 55, 'one more for each throttled one');
    for (const s of seen('submit')) {
      assert.equal(s.text, Buffer.from(`Olá ${Number(s.submit.slice(-6))}`, 'utf16le').swap16().toString('hex'));
      assert.deepEqual([s.from, s.coding, s.esm, s.registered & 1], ['27182', 8, 0, 1]);
    }
    assert.deepEqual(seen('bind'), [{ bind: 'pombo', version: 0x34, good: 1 }]);
    assert.equal(await g.metric('pombo_parked_receipts'), 0);
    assert.deepEqual(seen('unknown'), []);
    await g.stop();
    await until('an unbind', () => seen('unbind').length === 1);
  });

  scenario('a wrong password', async w => {
    const smsc = await w.peer(Peer.perl('smsc.pl'));
    const g = await w.gateway({ connections: [connection(`smpp://127.0.0.1:${smsc.port}`, { password: 'other' })], user: false });
    await until('a refused bind', () => smsc.lines.some(l => l.good === 0));
    await until('an error in the log', () => /^error .*0x0e/m.test(g.log()));
  });
});
