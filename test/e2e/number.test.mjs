// One number's data: all of it told, all of it erased, from rows, logs and memory.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const TO = '5511900009007', OTHER = '5511900000002'; // TO answers "SAIR"
const holding = (dir, what) => fs.readdirSync(dir).filter(n => fs.statSync(path.join(dir, n)).isFile() && fs.readFileSync(path.join(dir, n)).includes(what));

async function world(w) {
  const sandbox = await w.peer(Sandbox.start());
  const receiver = await w.peer(Receiver.listen());
  const g = await w.gateway({ smsc: sandbox.url, webhook: receiver.url });
  return { g, receiver };
}

describe('one number', () => {
  scenario('is exported with its messages, time lines and replies', async w => {
    const { g } = await world(w);
    const ids = [await g.send(`+${TO}`, 'first text', { correlationId: 'corr-1', extraInfo: 'extra-1' }), await g.send(TO, 'x'.repeat(200))];
    const other = await g.send(OTHER, 'not his');
    for (const id of [...ids, other]) await g.delivered(id, 4);
    const out = await until('the replies', async () => { const o = JSON.parse((await g.command('number', 'export', '+55 (11) 90000-9007')).stdout); return o.received.length >= 1 && o; });
    assert.equal(out.number, TO);
    assert.deepEqual(out.messages.map(m => m.id), ids);
    const [m] = out.messages;
    assert.deepEqual([m.destination, m.number, m.text, m.correlationId, m.extraInfo], [`+${TO}`, TO, 'first text', 'corr-1', 'extra-1']);
    assert.ok(m.timeline.some(e => e.event === 'delivered'));
    for (const r of out.received) assert.deepEqual([r.source, r.text, r.shortCode], [TO, 'SAIR', '27182']);
    assert.deepEqual(JSON.parse((await g.command('number', 'export', '5511911111111')).stdout), { number: '5511911111111', messages: [], received: [] });
    assert.equal((await g.tryCommand('number', 'export', 'x')).code, 65);
    await g.stop();
    assert.deepEqual(JSON.parse((await g.command('number', 'export', TO)).stdout).messages.map(x => x.id), ids, 'without a server too');
  });

  scenario('is erased while the gateway runs: rows, log, memory, answers', async w => {
    const { g, receiver } = await world(w);
    const texts = [`${'y'.repeat(180)} and this must go 4711`];
    const ids = [await g.send(TO, texts[0], { correlationId: 'corr-of-his', extraInfo: 'extra-of-his' })];
    const other = await g.send(OTHER, 'this one stays 1234', { correlationId: 'corr-of-hers' });
    for (const id of [...ids, other]) {
      await g.delivered(id, 4);
      await until('both webhooks in the time line', async () => (await g.json('message', 'show', id)).timeline.filter(e => e.event === 'webhook done').length === 2);
    }
    assert.ok(receiver.calls.length >= 4);
    await until('the replies', async () => JSON.parse((await g.command('number', 'export', TO)).stdout).received.length === 1);
    assert.ok(holding(g.data, TO).length && holding(g.data, texts[0]).length, 'the test looks in the right place');
    const { erased, open } = await g.json('number', 'erase', `+${TO}`);
    assert.deepEqual([erased, open], [2, 0]); // the message and the reply
    assert.deepEqual(JSON.parse((await g.command('number', 'export', TO)).stdout), { number: TO, messages: [], received: [] });
    for (const what of [TO, ...texts, 'corr-of-his', 'extra-of-his']) {
      await until(() => `${what} to be gone from ${holding(g.data, what)}`, () => holding(g.data, what).length === 0);
    }
    assert.ok(!g.log().includes(TO));
    const s = await g.status(ids[0]);
    assert.deepEqual([s.destination, s.sentStatusCode, s.deliveredStatusCode, s.correlationId, s.extraInfo], ['', 2, 4, ids[0], '']);
    assert.equal((await g.request('POST', '/v1/sms/status/search', { body: { correlationIds: ['corr-of-his'] } })).json.total, 0);
    const m = await g.json('message', 'show', ids[0]);
    assert.deepEqual([m.text, m.number, m.timeline.length >= 5], [undefined, undefined, true]);
    const hers = await g.json('message', 'show', other);
    assert.deepEqual([hers.text, hers.number, hers.correlationId], ['this one stays 1234', OTHER, 'corr-of-hers']);
    assert.match((await g.command('store', 'check')).stdout, /ok\n$/);
    await g.kill();
    await g.start();
    assert.equal((await g.status(ids[0])).destination, '');
    assert.deepEqual(await g.json('number', 'erase', TO), { erased: 0, open: 0 });
    await g.sent(await g.send(TO, 'and again'), 204); // his reply was SAIR: an opt-out outlives the data
    await g.command('opt-out', 'remove', TO);
    await g.delivered(await g.send(TO, 'and again'), 4);
  });

  scenario('keeps what is on its way until it has ended', async w => {
    const g = await w.gateway(); // nobody answers at the carrier's
    const id = await g.send(TO, 'still to be sent');
    const r = await g.tryCommand('number', 'erase', TO, '--json');
    assert.equal(r.code, 75);
    assert.deepEqual(JSON.parse(r.stdout), { erased: 0, open: 1 });
    assert.match(r.stderr, /on its way/);
    assert.equal((await g.json('message', 'show', id)).text, 'still to be sent');
    await g.stop();
    assert.equal((await g.tryCommand('number', 'erase', TO)).code, 75, 'without a server too');
  });

  scenario('is erased without a server', async w => {
    const { g } = await world(w);
    const id = await g.send(TO, 'a text that must go 4711');
    await g.delivered(id, 4);
    await until('the webhooks', async () => (await g.json('message', 'show', id)).timeline.filter(e => e.event === 'webhook done').length === 2);
    await until('the reply', async () => JSON.parse((await g.command('number', 'export', TO)).stdout).received.length === 1);
    await g.stop();
    assert.deepEqual(await g.json('number', 'erase', TO), { erased: 2, open: 0 });
    assert.deepEqual([holding(g.data, TO), holding(g.data, 'must go 4711')], [[], []]);
    await g.start();
    assert.equal((await g.status(id)).destination, '');
  });
});
