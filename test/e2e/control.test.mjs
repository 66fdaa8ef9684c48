// What owners say about messages that have not left: cancel, pause, resume; by the management API and by command, over kill -9.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, never, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const number = i => `5511900${String(i).padStart(6, '0')}`;
const many = (n, more = {}, from = 0) => Array.from({ length: n }, (_, i) => ({ destination: number(from + i), messageText: 'x', ...more }));
const show = (g, id) => g.json('message', 'show', id);
const reasonOf = async (g, id) => { const m = await show(g, id); return [m.sentStatusCode, m.reason]; };
const results = r => r.json.messages.map(m => m.result);

// The bulk's own id too.
async function bulk(g, messages, user) {
  const r = await g.request('POST', '/v1/send-bulk-sms', { body: { messages }, user });
  assert.equal(r.status, 200, r.text);
  return { id: r.json.id, ids: r.json.messages.map(m => m.id) };
}

async function say(g, verb, body, user) {
  const r = await g.request('POST', `/admin/v1/messages/${verb}`, { body, user });
  assert.equal(r.status, 200, r.text);
  return r;
}

async function person(g, name, role, ...more) {
  const { stdout } = await g.command('user', 'add', '--username', name, '--email', `${name}@example.com`, '--role', role, ...more);
  return { username: name, authenticationtoken: /token: (\S+)/.exec(stdout)[1] };
}

const delivered = (g, id, user) => until(`${id} is delivered`, async () => (await g.statuses([id], user)).get(id)?.deliveredStatusCode === 4);

// A carrier that takes one message and answers nothing: whatever comes behind it waits.
async function stuck(w, more = {}) {
  const held = [];
  const smsc = await w.peer(Smsc.listen({ onSubmit: s => held.push(s) }));
  const g = await w.gateway({ connections: [connection(smsc, { window: 1, timers: { response: '60s' } })], ...more });
  const first = await g.send(number(900));
  await until('the first is out', () => held.length === 1);
  const free = () => {
    smsc.onSubmit = s => { s.accept(); s.receipt(); };
    held.forEach(s => { s.accept(); s.receipt(); });
  };
  return { smsc, g, first, held, free };
}

describe('cancel', { concurrency: 4 }, () => {
  scenario('what waits ends with 101 and never leaves; what is out has left; the webhook tells', async w => {
    const hooks = await w.peer(Receiver.listen());
    const { smsc, g, first, free } = await stuck(w);
    await g.command('webhook', 'set', '--username', 'tester', '--sent', `${hooks.url}/sent`);
    const { ids } = await bulk(g, many(3, { correlationId: 'mine' }));
    const r = await say(g, 'cancel', { ids: [first, ids[0], '019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70'], correlationIds: ['mine', 'unknown'] });
    assert.equal(r.json.total, 5);
    assert.deepEqual(r.json.counts, { cancelled: 3, left: 1, inDoubt: 0, ended: 0, notFound: 1 });
    const of = id => r.json.messages.find(m => m.id === id);
    assert.deepEqual(of(first), { id: first, correlationId: first, result: 'left' });
    assert.deepEqual(of(ids[0]), { id: ids[0], correlationId: 'mine', result: 'cancelled' });
    free();
    await g.delivered(first, 4);
    for (const id of ids) assert.deepEqual(await reasonOf(g, id), [101, 'cancelled']);
    assert.equal(smsc.submits.length, 1);
    await until('the webhooks', () => hooks.calls.filter(c => c.json?.sentStatusCode === 101).length === 3);
    assert.deepEqual((await say(g, 'cancel', { ids })).json.counts, { cancelled: 3, left: 0, inDoubt: 0, ended: 0, notFound: 0 }, 'the same again');
    assert.deepEqual(results(await say(g, 'pause', { ids })), ['ended', 'ended', 'ended']);
    assert.deepEqual(results(await say(g, 'cancel', { ids: [first] })), ['left']);
  });

  scenario('what is under way is not sent again when the link goes', async w => {
    const { smsc, g, first } = await stuck(w, { sms: { in_doubt: { wait: '1s', then: 'resend' } } });
    assert.deepEqual(results(await say(g, 'cancel', { ids: [first] })), ['left']);
    smsc.onSubmit = s => s.accept();
    smsc.cut();
    await until('in doubt', async () => ['doubt', 'done'].includes((await show(g, first)).state));
    const again = await say(g, 'cancel', { ids: [first] });
    assert.ok(['inDoubt', 'cancelled'].includes(results(again)[0]), again.text);
    await until('its end', async () => (await show(g, first)).state === 'done');
    assert.deepEqual(await reasonOf(g, first), [101, 'cancelled']);
    assert.equal(smsc.submits.length, 1);
  });

  scenario('answered, then killed: nothing of it ever leaves', async w => {
    const { smsc, g, first } = await stuck(w, { sms: { in_doubt: { wait: '100ms', then: 'end' } } });
    const one = await bulk(g, many(40, { campaignAlias: 'Spring' }));
    const other = await bulk(g, many(40, {}, 100));
    const rest = await bulk(g, many(5, {}, 200));
    const [a, b] = await Promise.all([say(g, 'cancel', { campaignAlias: 'Spring' }), say(g, 'cancel', { batchId: other.id })]);
    await g.kill();
    assert.deepEqual(a.json.campaign, { campaignId: a.json.campaign.campaignId, campaignAlias: 'Spring', result: 'cancelled' });
    assert.ok(a.json.campaign.campaignId > 0);
    assert.deepEqual(a.json.messages, []);
    assert.deepEqual(b.json.batch, { id: other.id, result: 'cancelled' });
    assert.deepEqual(b.json.messages.map(m => m.id), other.ids);
    assert.deepEqual(b.json.counts, { cancelled: 40, left: 0, inDoubt: 0, ended: 0, notFound: 0 });
    smsc.onSubmit = s => { s.accept(); s.receipt(); };
    await g.start();
    for (const id of rest.ids) await g.delivered(id, 4);
    for (const id of [...one.ids, ...other.ids]) {
      await until(`the end of ${id}`, async () => (await show(g, id)).state === 'done');
      assert.deepEqual(await reasonOf(g, id), [101, 'cancelled']);
    }
    assert.deepEqual(smsc.submits.map(s => s.to), [number(900), ...many(5, {}, 200).map(m => m.destination)]);
    assert.equal((await show(g, first)).sentStatusCode, 102, 'in doubt, and ended');
  });
});

describe('pause and resume', { concurrency: 4 }, () => {
  scenario('messages and a batch: they stay over a kill, then leave in order, each once', async w => {
    const { smsc, g, first, free } = await stuck(w, { sms: { in_doubt: { wait: '100ms', then: 'end' } } });
    const held = await bulk(g, many(30));
    const other = await bulk(g, many(3, {}, 100));
    assert.deepEqual((await say(g, 'pause', { batchId: held.id })).json.counts, { paused: 30, left: 0, inDoubt: 0, ended: 0, notFound: 0 });
    assert.deepEqual(results(await say(g, 'pause', { ids: [first] })), ['left']);
    free();
    await g.delivered(first, 4);
    for (const id of other.ids) await g.delivered(id, 4);
    await g.kill();
    await g.start();
    await g.up();
    await never('none of them leaves', () => smsc.submits.length > 4, 300);
    assert.deepEqual([(await show(g, held.ids[0])).state, (await show(g, held.ids[0])).reason], ['queued', 'paused']);
    assert.deepEqual((await say(g, 'resume', { batchId: held.id })).json.counts,
      { resumed: 30, left: 0, inDoubt: 0, ended: 0, notFound: 0, notPaused: 0, held: 0 });
    for (const id of held.ids) await g.delivered(id, 4);
    assert.deepEqual(smsc.submits.slice(4).map(s => s.to), many(30).map(m => m.destination));
    assert.deepEqual(results(await say(g, 'resume', { ids: [held.ids[0]] })), ['left']);
  });

  scenario('a campaign: later messages too, over a kill; a message of its own pause stays', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => { s.accept(); s.receipt(); } }));
    const g = await w.gateway({ smsc });
    assert.deepEqual((await say(g, 'pause', { campaignAlias: 'Natal' })).json.campaign, { campaignAlias: 'Natal', result: 'paused' });
    const held = await bulk(g, many(50, { campaignAlias: 'Natal' }));
    await g.delivered(await g.send(number(100)), 4);
    await g.delivered(await g.send(number(101), 'x', { campaignAlias: 'other' }), 4);
    await g.kill();
    await g.start();
    const later = await g.send(number(102), 'x', { campaignAlias: 'Natal' });
    await g.delivered(await g.send(number(103)), 4);
    await never('the campaign is held', () => smsc.submits.length > 3, 300);
    assert.deepEqual((await say(g, 'pause', { ids: [held.ids[7]] })).json.counts.paused, 1);
    const listed = (await g.request('GET', '/admin/v1/messages/orders')).json;
    assert.equal(listed.total, 1);
    assert.equal(listed.orders[0].order, 'pause');
    assert.equal(listed.orders[0].campaignAlias, 'Natal');
    assert.equal((await say(g, 'resume', { campaignAlias: 'NATAL' })).json.campaign.result, 'resumed');
    for (const id of [...held.ids.filter((_, i) => i !== 7), later]) await g.delivered(id, 4);
    await never('one is paused by itself', () => smsc.submits.some(s => s.to === number(7)), 200);
    assert.deepEqual(results(await say(g, 'resume', { ids: [held.ids[7]] })), ['resumed']);
    await g.delivered(held.ids[7], 4);
    assert.equal((await say(g, 'resume', { campaignAlias: 'Natal' })).json.campaign.result, 'notPaused');
    const to = smsc.submits.map(s => s.to);
    assert.equal(new Set(to).size, to.length, 'each once');
  });

  scenario('paused when its time is over: 101, reason paused', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const one = await g.send(number(1), 'x', { scheduledAt: Date.now() + 60000, expiresAt: Date.now() + 62000 });
    const [ids] = [(await bulk(g, many(2, { scheduledAt: Date.now() + 700, expiresAt: Date.now() + 2000, campaignAlias: 'late' }))).ids];
    await say(g, 'pause', { ids: [ids[0]] });
    await say(g, 'pause', { campaignAlias: 'late' });
    assert.deepEqual(results(await say(g, 'cancel', { ids: [one] })), ['cancelled'], 'one that waits for its hour');
    for (const id of ids) {
      await until(`the end of ${id}`, async () => (await show(g, id)).state === 'done');
      assert.deepEqual(await reasonOf(g, id), [101, 'paused']);
    }
    assert.deepEqual(await reasonOf(g, one), [101, 'cancelled']);
    assert.equal(smsc.submits.length, 0);
  });

  scenario('scheduled: paused past its hour, over a kill, it leaves when it is resumed, and not before its hour', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => { s.accept(); s.receipt(); } }));
    const g = await w.gateway({ smsc });
    const due = Date.now() + 1000, far = Date.now() + 4000;
    const { ids } = await bulk(g, [...many(20, { scheduledAt: due }), ...many(20, { scheduledAt: due, campaignAlias: 'c' }, 100), ...many(1, { scheduledAt: far }, 200)]);
    await say(g, 'pause', { ids: [...ids.slice(0, 20), ids[40]], campaignAlias: 'c' });
    await until('their hour', () => Date.now() > due + 300);
    await g.kill();
    await g.start();
    await g.up();
    await never('they are held', () => smsc.submits.length > 0, 200);
    await say(g, 'resume', { ids: [...ids.slice(0, 20), ids[40]] });
    for (const id of ids.slice(0, 20)) await g.delivered(id, 4);
    assert.equal(smsc.submits.length, 20);
    await say(g, 'resume', { campaignAlias: 'c' });
    for (const id of ids) await g.delivered(id, 4);
    assert.equal(smsc.submits.length, 41);
    assert.ok(smsc.submits[40].at >= far, `${far - smsc.submits[40].at} ms too soon`);
  });
});

describe('who may say what', { concurrency: 4 }, () => {
  scenario('regular users reach their sub-account, administrators their account, nobody another account', async w => {
    const { smsc, g, free } = await stuck(w);
    const users = {
      ana: await person(g, 'ana', 'regular', '--sub-account', 'A'), bia: await person(g, 'bia', 'regular', '--sub-account', 'B'),
      root: await person(g, 'root', 'administrator'), far: await person(g, 'far', 'administrator', '--account', 'other'),
      plat: await person(g, 'plat', 'platform'),
    };
    const a = await bulk(g, many(4, { campaignAlias: 'both' }), users.ana);
    const b = await bulk(g, many(4, { campaignAlias: 'both' }, 100), users.bia);
    for (const user of [users.bia, users.far])
      for (const verb of ['cancel', 'pause', 'resume']) {
        const r = await say(g, verb, { ids: a.ids, batchId: a.id, correlationIds: [a.ids[0]] }, user);
        assert.equal(r.json.counts.notFound, 4);
        assert.equal(r.json.batch.result, 'notFound');
        assert.ok(!r.text.includes('"correlationId"'), 'nothing is told of it');
      }
    const refused = await g.request('POST', '/admin/v1/messages/cancel', { body: { ids: a.ids, subAccount: 'A' }, user: users.bia });
    assert.equal(refused.status, 403);
    assert.match(refused.json.errorMessage, /^subAccount: /);
    assert.equal((await g.request('POST', '/admin/v1/messages/cancel', { body: { ids: a.ids }, user: users.plat })).status, 403);
    assert.equal((await g.request('POST', '/admin/v1/messages/cancel', { body: { ids: a.ids }, user: { username: 'ana', authenticationtoken: 'wrong' } })).status, 401);
    assert.equal((await say(g, 'cancel', { ids: a.ids, subAccount: 'B' }, users.root)).json.counts.notFound, 4);
    // A campaign of both: each for itself, and the account for all.
    await say(g, 'pause', { campaignAlias: 'both' }, users.bia);
    assert.deepEqual((await g.request('GET', '/admin/v1/messages/orders', { user: users.ana })).json.orders, []);
    const [order] = (await g.request('GET', '/admin/v1/messages/orders', { user: users.root })).json.orders;
    assert.deepEqual([order.order, order.campaignAlias, order.subAccount], ['pause', 'both', 'B']);
    await say(g, 'cancel', { campaignAlias: 'both' }, users.far);
    free();
    for (const id of a.ids) await delivered(g, id, users.ana);
    await say(g, 'pause', { campaignAlias: 'both' }, users.root);
    assert.equal((await say(g, 'resume', { campaignAlias: 'both' }, users.bia)).json.campaign.result, 'held');
    await never('the account holds it', () => smsc.submits.length > 5, 200);
    assert.equal((await say(g, 'resume', { campaignAlias: 'both' }, users.root)).json.campaign.result, 'resumed');
    for (const id of b.ids) await delivered(g, id, users.bia);
  });

  scenario('bad input is 400 with the path of the field, and nothing is done', async w => {
    const { g } = await stuck(w);
    const id = await g.send(number(1));
    const nothing = 'ids: missing, and correlationIds, batchId, campaignId and campaignAlias too';
    const bad = [
      [{}, nothing], [{ ids: null }, nothing], [[], /must be an object/], ['x', /malformed JSON|must be an object/],
      [{ ids: 'x' }, 'ids: must be an array'], [{ ids: [id, 'x'] }, 'ids[1]: not an id'], [{ ids: [id, 7] }, 'ids[1]: must be a string'],
      [{ ids: Array(1001).fill(id) }, 'ids: more than 1000 entries'], [{ ids: [id], correlationIds: [[]] }, 'correlationIds[0]: must be a string or a whole number'],
      [{ ids: [id], batchId: 5 }, 'batchId: must be a string'], [{ ids: [id], batchId: 'x' }, 'batchId: not an id'],
      [{ ids: [id], campaignId: 0 }, 'campaignId: must be a whole number from 1 to 4294967295'], [{ ids: [id], campaignId: 1.5 }, 'campaignId: must be a whole number from 1 to 4294967295'],
      [{ ids: [id], campaignAlias: '' }, 'campaignAlias: must not be empty'], [{ ids: [id], campaignAlias: {} }, 'campaignAlias: must be a string'],
      [{ ids: [id], campaignAlias: 'a'.repeat(600) }, /^campaignAlias: longer/], [{ ids: [id], campaignAlias: 'a', campaignId: 3 }, 'campaignAlias: campaignId is given too'],
      [{ ids: [id], subAccount: 'nobody' }, /^subAccount: /], [{ ids: [id], subAccount: {} }, 'subAccount: must be a string or a whole number'],
    ];
    const root = await person(g, 'root', 'administrator');
    for (const verb of ['cancel', 'pause', 'resume']) {
      for (const [body, message] of bad) {
        const r = await g.request('POST', `/admin/v1/messages/${verb}`, { body, user: root });
        assert.equal(r.status, 400, `${JSON.stringify(body)}: ${r.text}`);
        assert.equal(r.json.errorCode, 400);
        if (message instanceof RegExp) assert.match(r.json.errorMessage, message);
        else assert.equal(r.json.errorMessage, message);
      }
      assert.equal((await g.request('GET', `/admin/v1/messages/${verb}`, { user: root })).status, 405);
    }
    assert.equal((await show(g, id)).state, 'queued');
    assert.equal((await show(g, id)).reason ?? '', '');
  });
});

describe('by command', { concurrency: 4 }, () => {
  scenario('a message, a batch, a campaign; exit codes; what is told', async w => {
    const { smsc, g, first, free } = await stuck(w);
    const one = await g.send(number(1));
    const batch = await bulk(g, many(3, {}, 100));
    const camp = await bulk(g, many(3, { campaignAlias: 'Maio' }, 200));
    assert.equal((await g.command('message', 'pause', one)).stdout, `${one}  paused\n`);
    assert.match((await g.command('message', 'show', one)).stdout, /paused by its owner/);
    assert.equal((await g.command('message', 'cancel', one)).stdout, `${one}  cancelled\n`);
    let r = await g.tryCommand('message', 'cancel', first);
    assert.deepEqual([r.code, r.stdout], [69, `${first}  left already\n`]);
    r = await g.tryCommand('message', 'pause', '019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70');
    assert.deepEqual([r.code, r.stdout], [66, '019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70  not found\n']);
    r = await g.tryCommand('message', 'cancel', '--batch', one);
    assert.deepEqual([r.code, r.stdout], [66, `${one}  not found\n`]);
    r = await g.command('message', 'cancel', '--batch', batch.id);
    assert.equal(r.stdout, `${batch.ids.map(id => `${id}  cancelled\n`).join('')}3 cancelled\n`);
    assert.equal((await g.command('message', 'pause', '--campaign', 'Maio')).stdout, 'Maio  paused\n');
    assert.match((await g.command('message', 'orders')).stdout, /^Maio {2}every sub-account {2}paused since \S+Z\n$/);
    assert.deepEqual(await g.json('message', 'cancel', '--batch', batch.id), batch.ids.map(id => ({ id, result: 'cancelled' })));
    free();
    await g.delivered(first, 4);
    await never('held', () => smsc.submits.length > 1, 200);
    assert.equal((await g.command('message', 'cancel', '--campaign', 'Maio')).stdout, 'Maio  cancelled\n');
    await until('the walk is over', async () => (await g.json('message', 'orders')).some(o => o.done));
    const over = (await g.json('message', 'orders')).find(o => o.done);
    assert.deepEqual([over.order, over.campaignAlias, over.cancelled, over.left], ['cancel', 'Maio', 3, 0]);
    for (const id of camp.ids) assert.deepEqual(await reasonOf(g, id), [101, 'cancelled']);
    assert.deepEqual(await g.json('message', 'resume', '--campaign', 'Maio'), [{ campaign: 'Maio', result: 'resumed' }]);
    assert.deepEqual(await g.json('message', 'resume', '--campaign', 'Maio'), [{ campaign: 'Maio', result: 'notPaused' }]);
    await g.delivered(await g.send(number(300), 'x', { campaignAlias: 'Maio' }), 4);
    for (const args of [[], [one, '--batch', batch.id], ['--campaign', ''], ['nonsense']]) {
      r = await g.tryCommand('message', 'cancel', ...args);
      assert.ok([64, 65].includes(r.code), `${args}: ${r.code}`);
    }
    r = await g.tryCommand('message', 'cancel', '--campaign', 'Maio', '--account', 'nobody');
    assert.equal(r.code, 66);
    await g.stop();
    r = await g.tryCommand('message', 'cancel', one);
    assert.notEqual(r.code, 0);
  });
});
