// Credit: balances of accounts and sub-accounts, reserved by attempts, used up when the carrier took the message, given back otherwise.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const TO = '5511900000001';
const show = (g, ...args) => g.json('credit', 'show', ...args);
const credit = async (g, ...args) => { const c = await show(g, ...args); return [c.balance, c.reserved]; };
const settles = (g, want, ...args) => until(async () => `balance and reserved ${want}, which are ${await credit(g, ...args)}`,
  async () => (await credit(g, ...args)).join() === want.join());

describe('credit', () => {
  scenario('is used up part by part, by prefix, until 201', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const receiver = await w.peer(Receiver.listen());
    const g = await w.gateway({ smsc: sandbox.url, webhook: receiver.url, credit: { prices: [{ prefix: '351', units: 3 }, { prefix: '35196', units: 4 }] } });
    assert.deepEqual(await show(g), { account: 'default', subAccount: null, balance: null, reserved: 0, limit: 0, usable: null });
    await g.sent(await g.send(TO), 2); // no balance: unlimited
    assert.deepEqual(await credit(g), [null, 0]);
    assert.deepEqual(await g.json('credit', 'add', '--amount', '10'), { account: 'default', subAccount: null, balance: 10, reserved: 0, limit: 0, usable: 10 });
    await g.sent(await g.send(TO), 2);
    await settles(g, [9, 0]);
    await g.sent(await g.send(TO, 'x'.repeat(161)), 2); // two parts
    await settles(g, [7, 0]);
    await g.sent(await g.send('351910000000'), 2);
    await settles(g, [4, 0]);
    await g.sent(await g.send('351961234567'), 2);
    await settles(g, [0, 0]);
    const id = await g.send(TO);
    const s = await g.sent(id, 201);
    assert.deepEqual([s.sentStatus, s.deliveredStatusCode], ['NO_CREDIT', undefined]);
    assert.match(await g.timeline(id), /ended 201 NO_CREDIT: no_credit/);
    await until('the webhook', () => receiver.of(id, '/sent').some(c => c.json.sentStatusCode === 201 && c.json.sentStatus === 'NO_CREDIT'));
    assert.ok(!(await sandbox.messages()).some(m => m.id === id));
    assert.equal((await sandbox.messages()).length, 5);
    const rows = await g.json('credit', 'ledger');
    assert.deepEqual(rows.map(r => [r.kind, r.balanceBy, r.reservedBy, r.balance, r.reserved]).reverse(), [
      ['add', 10, 0, 10, 0], ['reserve', 0, 1, 10, 1], ['settle', -1, -1, 9, 0], ['reserve', 0, 2, 9, 2], ['settle', -2, -2, 7, 0],
      ['reserve', 0, 3, 7, 3], ['settle', -3, -3, 4, 0], ['reserve', 0, 4, 4, 4], ['settle', -4, -4, 0, 0]]);
    await g.command('credit', 'add', '--amount', '1');
    await g.sent(await g.send(TO), 2);
    await g.sent(await g.send('12'), 202); // the number comes first
    await g.sent(await g.send(TO), 201);
    await g.command('credit', 'limit', '--amount', '1');
    await g.sent(await g.send(TO), 2);
    await settles(g, [-1, 0]);
    await g.sent(await g.send(TO), 201);
    await g.command('credit', 'set', '--amount', 'unlimited');
    await g.sent(await g.send(TO), 2);
    assert.deepEqual(await credit(g), [null, 0]);
    assert.match((await g.command('store', 'check')).stdout, /ok\n$/);
  });

  scenario('what the carrier does not take costs nothing', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await g.command('credit', 'set', '--amount', '100');
    await g.sent(await g.send('5511900009103'), 103);
    await g.sent(await g.send('5511900009102'), 202);
    await settles(g, [100, 0]);
    await g.delivered(await g.send('5511900009104'), 104); // taken, not delivered: costs
    await settles(g, [99, 0]);
    await g.sent(await g.send('5511900009058'), 2); // throttled twice, then taken: once
    await settles(g, [98, 0]);
    const balance = (await g.json('credit', 'ledger', '--limit', '1000')).filter(r => r.kind === 'refund').length;
    assert.ok(balance >= 2, 'the refused attempts were given back');
  });

  scenario('is held while in doubt, over a kill, and given back when the doubt ends without a receipt', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url, sms: { in_doubt: { wait: '3s', then: 'end' } } });
    await g.command('credit', 'set', '--amount', '5');
    const id = await g.send('5511900009004', 'x'.repeat(200)); // never answered
    await settles(g, [5, 2]);
    await g.kill();
    await g.start();
    assert.deepEqual(await credit(g), [5, 2], 'in doubt since the restart');
    assert.equal((await show(g)).usable, 3);
    await g.sent(id, 102);
    await settles(g, [5, 0]);
    await g.kill();
    assert.deepEqual(await credit(g), [5, 0], 'without a server too');
    assert.match((await g.command('store', 'check')).stdout, /ok\n$/);
  });

  scenario('account and sub-account must both cover it', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url, user: false });
    await g.command('sub-account', 'add', 'shop');
    await g.addUser('till', ['--sub-account', 'shop']);
    const other = await g.addUser('other');
    await g.command('credit', 'set', '--amount', '3');
    await g.command('credit', 'set', '--sub-account', 'shop', '--amount', '1');
    await g.sent(await g.send(TO), 2);
    await settles(g, [2, 0]);
    await settles(g, [0, 0], '--sub-account', 'shop');
    await g.sent(await g.send(TO), 201);
    const ids = [await g.send(TO, 'x', {}, other), await g.send(TO, 'x', {}, other), await g.send(TO, 'x', {}, other)];
    const codes = await until('the codes', async () => { const s = await g.statuses(ids, other); return ids.every(i => s.get(i)?.sentStatusCode) && ids.map(i => s.get(i).sentStatusCode); });
    assert.deepEqual(codes.sort(), [2, 2, 201]);
    await settles(g, [0, 0]);
    const list = await g.json('credit', 'list');
    assert.deepEqual(list.map(c => [c.account, c.subAccount, c.balance]), [['default', null, 0], ['default', 'shop', 0]]);
  });

  scenario('is changed without a server as well, and a wrong amount is refused', async w => {
    const g = await w.gateway({ start: false });
    await g.command('credit', 'set', '--amount', '7');
    await g.command('credit', 'add', '--amount', '-2');
    assert.deepEqual(await credit(g), [5, 0]);
    for (const amount of ['x', '1.5', '', '10000000000000']) assert.equal((await g.tryCommand('credit', 'add', '--amount', amount)).code, 64);
    assert.equal((await g.tryCommand('credit', 'limit', '--amount', '-1')).code, 64);
    assert.equal((await g.tryCommand('credit', 'add')).code, 64);
    assert.equal((await g.tryCommand('credit', 'show', '--sub-account', 'nowhere')).code, 66);
    await g.start();
    assert.deepEqual(await credit(g), [5, 0]);
    const shown = (await g.command('credit', 'show')).stdout;
    assert.equal(shown, 'default  balance 5, reserved 0, limit 0, usable 5\n');
  });
});
