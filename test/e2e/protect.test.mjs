// What protects numbers and money: limits per destination, velocity caps, allow-lists, texts that do not stay.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const TO = '5511900000001', OTHER = '5511900000002';
const code = async (g, id) => (await g.status(id)).sentStatusCode;
const set = (g, ...args) => g.command('sub-account', 'set', 'default', ...args);
const files = dir => fs.readdirSync(dir).filter(n => n.startsWith('day-')).map(n => fs.readFileSync(path.join(dir, n)));

describe('messages per destination', () => {
  scenario('a marketing sub-account gets no more than its number in the period: 205', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await set(g, '--per-destination', '2/1h');
    const free = []; // transactional: no limit
    for (let i = 0; i < 3; i++) free.push(await code(g, await g.send(TO)));
    assert.deepEqual(free, [2, 2, 2]);
    await set(g, '--class', 'marketing');
    assert.equal((await g.json('sub-account', 'list'))[0].perDestination, '2/1h');
    const ids = await g.bulk([TO, TO, TO, OTHER, '+55 (11) 90000-0001'].map(destination => ({ destination, messageText: 'x' })));
    const codes = [];
    for (const id of ids) codes.push(await code(g, id));
    assert.deepEqual(codes, [2, 2, 205, 2, 205]);
    const s = await g.status(ids[2]);
    assert.deepEqual([s.sentStatus, s.deliveredStatusCode], ['DESTINATION_MESSAGE_LIMIT_REACHED', undefined]);
    assert.match(await g.timeline(ids[2]), /message_limit/);
    assert.equal(await code(g, await g.send('12')), 202, 'an unusable number comes first');
    await g.kill(); // counted again from the rows
    await g.start();
    assert.deepEqual([await code(g, await g.send(TO)), await code(g, await g.send(OTHER)), await code(g, await g.send(OTHER))], [205, 2, 205]);
    await set(g, '--per-destination', 'none');
    assert.equal(await code(g, await g.send(TO)), 2);
    for (const bad of ['2', '0/1h', '2/0', 'x/1h', '2/32d', '2/']) assert.equal((await g.tryCommand('sub-account', 'set', 'default', '--per-destination', bad)).code, 64, bad);
  });

  scenario('what failed does not count', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await set(g, '--class', 'marketing', '--per-destination', '1/1h');
    const refused = '5511900009103';
    assert.deepEqual([await code(g, await g.send(refused)), await code(g, await g.send(refused))], [103, 103]);
    await g.kill();
    await g.start();
    assert.equal(await code(g, await g.send(refused)), 103);
  });

  scenario('the limit comes before the credit', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await set(g, '--class', 'marketing', '--per-destination', '1/1h');
    await g.command('credit', 'set', '--amount', '1');
    assert.equal(await code(g, await g.send(TO)), 2);
    assert.deepEqual([await code(g, await g.send(TO)), await code(g, await g.send(OTHER))], [205, 201]);
  });
});

describe('velocity', () => {
  scenario('more than the cap is refused whole, and taken later', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await set(g, '--velocity', '4/2s');
    const ask = n => g.request('POST', '/v1/send-bulk-sms', { body: { messages: Array.from({ length: n }, () => ({ destination: TO })), defaultValues: { messageText: 'x' } } });
    assert.equal((await ask(3)).status, 200);
    const r = await ask(3);
    assert.equal(r.status, 429);
    assert.match(r.json.errorMessage, /may not send so many messages/);
    assert.ok(Number(r.headers['retry-after']) >= 1);
    assert.equal((await g.json('message', 'search')).length, 3, 'nothing of it was taken');
    assert.equal((await ask(5)).status, 429, 'more than the cap at once never fits');
    await until('room again', async () => (await ask(4)).status === 200);
    assert.equal((await g.tryCommand('send', '--username', 'tester', '--to', TO, '--text', 'x')).code, 75);
    await set(g, '--velocity', 'none');
    assert.equal((await ask(100)).status, 200);
  });

  scenario('what is refused registers no campaign; an alias of which anything is taken stays, over a kill too', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await set(g, '--velocity', '4/1h');
    const ask = (n, campaignAlias) => g.request('POST', '/v1/send-bulk-sms', { body: { messages: Array.from({ length: n }, () => ({ destination: TO, messageText: 'x' })), defaultValues: { campaignAlias } } });
    const aliases = async () => (await g.json('campaign', 'list')).map(c => c.campaignAlias).sort();
    assert.equal((await ask(5, 'refused')).status, 429);
    assert.deepEqual(await aliases(), []);
    const both = await Promise.all([1, 9, 9, 1, 9, 9].map(n => ask(n, 'both')));
    assert.deepEqual(both.map(r => r.status), [200, 429, 429, 200, 429, 429]);
    assert.deepEqual(await aliases(), ['both']);
    const [id] = (await ask(1, 'kept')).json.messages.map(m => m.id);
    const before = await g.json('campaign', 'list');
    assert.equal((await g.status(id)).campaignId, before.find(c => c.campaignAlias === 'kept').campaignId);
    assert.equal((await ask(9, 'both')).status, 429, 'known: it stays');
    await g.kill();
    await g.start();
    assert.deepEqual(await g.json('campaign', 'list'), before);
  });
});

describe('allow-lists', () => {
  scenario('a number that neither list covers ends in 203', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    await g.command('account', 'set', 'default', '--allow-countries', 'br,PT');
    const codes = async (...numbers) => { const out = []; for (const n of numbers) out.push(await code(g, await g.send(n))); return out; };
    assert.deepEqual(await codes(TO, '351912345678', '34600000000', '12'), [2, 2, 203, 202]);
    await set(g, '--allow-prefixes', '5511,5521');
    assert.deepEqual(await codes(TO, '5521900000001', '5531900000001', '351912345678'), [2, 2, 203, 203]);
    const id = await g.send('34600000000');
    assert.equal((await g.sent(id, 203)).sentStatus, 'BLACKLISTED');
    assert.match(await g.timeline(id), /not_allowed/);
    const byCommand = (await g.json('send', '--username', 'tester', '--to', '34600000000', '--text', 'x')).id;
    await g.sent(byCommand, 203);
    const sub = (await g.json('sub-account', 'list'))[0], account = (await g.json('account', 'list'))[0];
    assert.deepEqual([sub.allowCountries, sub.allowPrefixes, account.allowCountries, account.allowPrefixes], [[], ['5511', '5521'], ['BR', 'PT'], []]);
    await g.command('account', 'set', 'default', '--allow-countries', 'none');
    await set(g, '--allow-prefixes', 'none');
    assert.deepEqual(await codes('34600000000'), [2]);
    for (const bad of ['BRA', 'B1', 'BR,', ',BR', '']) assert.equal((await g.tryCommand('account', 'set', 'default', '--allow-countries', bad)).code, 65, bad);
    for (const bad of ['+55', '55 11', '1234567890123456']) assert.equal((await g.tryCommand('sub-account', 'set', 'default', '--allow-prefixes', bad)).code, 65, bad);
  });
});

describe('redaction', () => {
  scenario('a text is nowhere once its message is final', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    const kept = 'kept as it is 4711', secret = 'the one-time code is 271828', failed = 'another code is 314159';
    const first = await g.send(TO, kept);
    await set(g, '--redact');
    const id = await g.send(TO, secret), refused = await g.send('12', failed);
    await g.delivered(id, 4);
    await g.sent(refused, 202);
    await g.delivered(first, 4);
    assert.deepEqual((await sandbox.messages()).map(m => m.text).sort(), [kept, secret].sort());
    const text = async i => (await g.json('message', 'show', i)).text;
    assert.deepEqual([await text(first), await text(id), await text(refused)], [kept, undefined, undefined]);
    assert.ok(!(await g.command('message', 'show', id)).stdout.includes('271828'));
    assert.ok(!JSON.stringify(await g.json('message', 'search')).includes('271828'));
    assert.ok(!g.log().includes('271828'));
    await g.stop(); // merges, and the last checkpoint
    const data = files(g.data);
    assert.ok(data.some(b => b.includes(kept)), 'the test looks in the right place');
    for (const b of data) for (const t of [secret, failed]) assert.ok(!b.includes(t), `${t} is still on the disk`);
    assert.deepEqual([await text(first), await text(id)], [kept, undefined]);
    await g.start();
    assert.equal(await text(id), undefined);
    await set(g, '--no-redact');
    const after = await g.send(TO, 'kept again');
    await g.delivered(after, 4);
    assert.equal(await text(after), 'kept again');
    assert.equal((await g.tryCommand('sub-account', 'set', 'default', '--redact', '--no-redact')).code, 64);
  });
});
