// What messages say: templates, flows and params, campaigns, forbidden words, header and footer, from the commands and the API to the
// octets on the wire, statuses, webhooks and the time line; over restarts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { POMBO, connection, run, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc, smpp } from './peers/smsc.mjs';

const TO = '5511900000001';
const FLOW = '14f8142d-e731-4971-8220-5a76a12c413f';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const text = f => (f.coding === 8 ? Buffer.from(f.text).swap16().toString('utf16le') : smpp.encodings.ASCII.decode(f.text));

async function world(w, options = {}) {
  const smsc = await w.peer(Smsc.listen());
  const g = await w.gateway({ connections: [connection(smsc)], ...options });
  const bulk = body => g.request('POST', '/v1/send-bulk-sms', { body });
  const said = async id => { await g.delivered(id, 4); return smsc.submits.map(s => text(s.f)); };
  return { smsc, g, bulk, said };
}

// 400 with exactly that message.
async function refused(g, body, message, target = '/v1/send-sms') {
  const r = await g.request('POST', target, { body: target === '/v1/send-sms' ? { destination: TO, ...body } : body });
  assert.equal(r.status, 400, r.text);
  assert.equal(r.json.errorMessage, message);
}

describe('templates and flows', { concurrency: 4 }, () => {
  scenario('are made by command, named by id or name, and say what goes on the air', async w => {
    const { g, smsc, bulk } = await world(w);
    assert.deepEqual(await g.json('template', 'add', '--name', 'name', '--text', 'Ola {{param1}}, {{ param2 | digits }}', '--id', '0'), { templateId: 0 });
    assert.deepEqual(await g.json('template', 'add', '--name', 'other', '--text', 'Tchau', '--class', 'marketing', '--sub-account', 'default'), { templateId: 1 });
    assert.deepEqual(await g.json('flow', 'add', '--text', 'Fluxo {{param1}} {{param2}}', '--id', FLOW.toUpperCase()), { flowId: FLOW });
    // The fifth example of the document, whose 'name' is not JSON.
    const messages = [{ destination: '5519900001111', params: { param1: 'other_value1', param2: 'other_value2' } }, { destination: '5519900002222' }];
    const defaultValues = { params: { param1: 'value1', param2: 'v2 345' } };
    let r = await bulk({ messages, defaultValues, templateId: 0, templateName: 'name' });
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(Object.keys(r.json), ['id', 'messages']);
    for (const m of r.json.messages) assert.deepEqual([Object.keys(m), UUID.test(m.id)], [['id'], true]);
    for (const m of r.json.messages) await g.delivered(m.id, 4);
    assert.deepEqual(smsc.submits.splice(0).map(s => text(s.f)).sort(), ['Ola other_value1, other_value2', 'Ola value1, v2 3 4 5']);
    // The fourth.
    r = await bulk({ messages, defaultValues, flowId: FLOW });
    assert.equal(r.status, 200, r.text);
    for (const m of r.json.messages) {
      const s = await g.delivered(m.id, 4);
      assert.ok(!('invalidParams' in s));
    }
    assert.deepEqual(smsc.submits.splice(0).map(s => text(s.f)).sort(), ['Fluxo other_value1 other_value2', 'Fluxo value1 v2 345']);
    r = await g.request('GET', `/v1/send-sms?destination=${TO}&templateName=NAME&params[param1]=a&params=%7B%22param2%22%3A12%7D`);
    await g.delivered(r.json[0].id, 4);
    assert.equal(text(smsc.submits.pop().f), 'Ola a, 1 2');

    await refused(g, { templateId: 9 }, 'templateId: unknown');
    await refused(g, { templateId: 0, templateName: 'other' }, 'templateName: is not the name of the template with that templateId');
    await g.command('template', 'add', '--name', 'Other', '--text', 'x');
    await refused(g, { templateName: 'other' }, 'templateName: fits several templates; name one by its templateId');
    await refused(g, { flowId: FLOW.replace('1', '2') }, 'flowId: unknown');
    assert.deepEqual((await g.json('template', 'list')).map(t => [t.templateId, t.templateName, t.subAccount]), [[0, 'name', null], [2, 'Other', null], [1, 'other', 'default']]);
    assert.equal((await g.json('template', 'show', '0')).text, 'Ola {{param1}}, {{ param2 | digits }}');
    assert.equal((await g.json('flow', 'show', FLOW)).text, 'Fluxo {{param1}} {{param2}}');

    // Kept over a restart, gone when removed.
    await g.kill();
    await g.start();
    assert.equal((await g.json('flow', 'list')).length, 1);
    await g.delivered(await g.send(TO, undefined, { messageText: undefined, templateId: 1 }), 4);
    assert.equal(text(smsc.submits.pop().f), 'Tchau');
    await g.command('template', 'remove', '1');
    await refused(g, { templateId: 1 }, 'templateId: unknown');
    await g.command('flow', 'remove', FLOW);
    await refused(g, { flowId: FLOW }, 'flowId: unknown');
    for (const [code, ...args] of [[66, 'template', 'remove', '1'], [66, 'flow', 'show', FLOW], [65, 'template', 'add', '--name', 'x', '--text', '{{a|b}}'], [65, 'template', 'add', '--name', 'x', '--text', 'a'.repeat(1281)],
      [73, 'template', 'add', '--name', 'x', '--text', 'y', '--id', '0'], [65, 'template', 'add', '--name', 'x', '--text', 'y', '--id', '-1'], [65, 'flow', 'add', '--text', 'x', '--id', 'x'], [64, 'template', 'add', '--name', 'x', '--text', 'y', '--class', 'z']]) {
      const c = await g.tryCommand(...args);
      assert.equal(c.code, code, `pombo ${args.join(' ')}: ${c.stdout}${c.stderr}`);
    }
  });

  scenario('params that do not fit flag the message, and it is sent', async w => {
    const { g, smsc } = await world(w);
    const id = await g.send(TO, 'Ola {{name}}, {{code}}', { params: { name: 'João', other: 1 } });
    const s = await g.delivered(id, 4);
    assert.deepEqual(s.invalidParams, ['code', 'other']);
    assert.deepEqual(Object.keys(s), ['id', 'correlationId', 'carrierId', 'carrierName', 'destination', 'sentStatusCode', 'sentStatus', 'sentStatusAt', 'sentStatusDate', 'sentAt', 'sentDate', 'deliveredStatusCode', 'deliveredStatus', 'deliveredAt', 'deliveredDate', 'updatedAt', 'updatedDate', 'invalidParams', 'extraInfo']);
    assert.equal(text(smsc.submits.pop().f), 'Ola João, ');
    assert.match(await g.timeline(id), /invalid params +"code","other"/);
    assert.deepEqual((await g.json('message', 'show', id)).invalidParams, ['code', 'other']);
    const literal = await g.send(TO, 'Ola {{name}}');
    assert.ok(!('invalidParams' in await g.delivered(literal, 4)));
    assert.equal(text(smsc.submits.pop().f), 'Ola {{name}}');
    const long = await g.send(TO, '{{a}}{{a}}', { params: { a: 'x'.repeat(1280) } });
    await g.delivered(long, 4);
    assert.equal(smsc.submits.splice(0).length, 17, '1280 counts before; 2560 characters are sent whole');
    await g.kill();
    await g.start();
    assert.deepEqual((await g.status(id)).invalidParams, ['code', 'other'], 'over a crash');
  });

  scenario('a template chooses the lane', async w => {
    const { g } = await world(w);
    await g.command('template', 'add', '--name', 'promo', '--text', 'x', '--class', 'marketing');
    const id = await g.send(TO, undefined, { messageText: undefined, templateName: 'promo' });
    await g.delivered(id, 4);
    assert.match(await g.timeline(id), /parts +1, marketing/);
    assert.doesNotMatch(await g.timeline(await g.send(TO, 'x')), /marketing/);
  });

  scenario('replies to keywords take the lane of their sub-account, without header and footer', async w => {
    const { g, smsc } = await world(w);
    await g.command('sub-account', 'set', 'default', '--class', 'marketing', '--header', 'LOJA:');
    await g.command('keyword', 'add', 'preço', '--short-code', '27182', '--action', 'reply', '--text', 'R$ 10');
    assert.equal(await smsc.deliver(smsc.receiver, { source_addr: TO, destination_addr: '27182', short_message: 'preco' }), 0);
    const [answer] = await until('the reply', () => smsc.to(TO).length && smsc.to(TO));
    assert.equal(text(answer.f), 'R$ 10');
    const [{ id }] = await until('its row', async () => { const found = await g.json('message', 'search', '--number', TO); return found.length && found; });
    assert.match(await g.timeline(id), /parts +1, marketing/);
  });
});

describe('campaigns', { concurrency: 4 }, () => {
  scenario('are registered, by command or by use, and keep their id', async w => {
    const receiver = await w.peer(Receiver.listen());
    const { g } = await world(w, { webhook: receiver.url });
    const { campaignId } = await g.json('campaign', 'add', '--alias', 'Promo');
    const first = await g.send(TO, 'x', { campaignAlias: 'promo' });
    assert.equal((await g.delivered(first, 4)).campaignId, campaignId);
    await until('both webhooks', () => receiver.of(first).length === 2);
    for (const c of receiver.of(first)) assert.equal(c.json.campaignId, campaignId);
    // Many at once, of one alias and of others: one id for each.
    const aliases = Array.from({ length: 40 }, (_, i) => (i % 4 ? 'Natal' : `c${i}`));
    const ids = await Promise.all(aliases.map((campaignAlias, i) => g.send(`55119${String(i).padStart(8, '0')}`, 'x', { campaignAlias })));
    const found = await g.statuses(ids);
    const natal = new Set(ids.filter((_, i) => i % 4).map(id => found.get(id).campaignId));
    assert.equal(natal.size, 1);
    assert.equal(new Set(ids.map(id => found.get(id).campaignId)).size, 11);
    assert.ok(![...natal].includes(undefined) && ![...natal].includes(campaignId));
    const before = await g.json('campaign', 'list');
    assert.equal(before.length, 12);
    await g.kill();
    await g.start();
    assert.deepEqual(await g.json('campaign', 'list'), before);
    assert.equal((await g.status(await g.send(TO, 'x', { campaignAlias: 'NATAL' }), () => true)).campaignId, [...natal][0]);
    assert.equal((await g.json('message', 'show', first)).campaign, 'promo');
    const r = await g.request('POST', '/v1/send-bulk-sms', { body: { messages: [{ destination: TO }, { destination: TO, campaignAlias: 'new one' }], messageText: 'x', campaignAlias: 'c0' } });
    const two = await g.statuses(r.json.messages.map(m => m.id));
    assert.deepEqual(r.json.messages.map(m => two.get(m.id).campaignId), ['c0', 'new one'].map(a => before.find(c => c.campaignAlias === a)?.campaignId ?? Math.max(...before.map(c => c.campaignId)) + 1));
  });

  scenario('an account may forbid unknown ones', async w => {
    const { g } = await world(w);
    await g.command('campaign', 'add', '--alias', 'Known');
    await g.command('account', 'set', 'default', '--campaigns', 'closed');
    assert.equal((await g.json('account', 'list'))[0].campaigns, 'closed');
    await g.send(TO, 'x', { campaignAlias: 'known' });
    await refused(g, { messageText: 'x', campaignAlias: 'other' }, 'campaignAlias: unknown, and the account registers none by use');
    await refused(g, { messages: [{ destination: TO, campaignAlias: 'other' }], messageText: 'x' }, 'messages[0].campaignAlias: unknown, and the account registers none by use', '/v1/send-bulk-sms');
    assert.equal((await g.json('campaign', 'list')).length, 1);
    await g.command('account', 'set', 'default', '--campaigns', 'open');
    await g.send(TO, 'x', { campaignAlias: 'other' });
    assert.equal((await g.json('campaign', 'list')).length, 2);
    await g.command('campaign', 'remove', 'Other');
    assert.equal((await g.json('campaign', 'list')).length, 1);
  });
});

describe('words and lengths', { concurrency: 4 }, () => {
  scenario('forbidden words end a message in 207, at once when they are added', async w => {
    const receiver = await w.peer(Receiver.listen());
    const { g, smsc } = await world(w, { webhook: receiver.url });
    await g.sent(await g.send(TO, 'Venha ao cassino'), 2);
    await g.command('words', 'add', 'Cassino', 'cartão de crédito');
    const id = await g.send(TO, 'Venha ao CASSINÓ!', { correlationId: 'w' });
    const s = await g.sent(id, 207);
    assert.equal(s.sentStatus, 'INVALID_MESSAGE_TEXT');
    await until('the webhook', () => receiver.of(id).length === 1);
    assert.deepEqual([receiver.of(id)[0].json.sentStatusCode, receiver.of(id)[0].path], [207, '/sent']);
    assert.match(await g.timeline(id), /207 INVALID_MESSAGE_TEXT: forbidden_words/);
    await g.sent(await g.send(TO, 'CARTAO-DE-CREDITO'), 207);
    await g.sent(await g.send(TO, 'cassinos e cartão'), 2);
    await g.sent(await g.send('12', 'cassino'), 202);
    assert.equal(smsc.submits.length, 2);

    const file = path.join(w.folder(), 'words.txt');
    fs.writeFileSync(file, '\ufeff# two lists\r\nAposta\r\n\r\n  jogo do bicho \n');
    assert.deepEqual(await g.json('words', 'import', file, '--sub-account', 'default'), { changed: 2 });
    await g.sent(await g.send(TO, 'o jogo, do bicho'), 207);
    assert.equal((await g.command('words', 'export', '--sub-account', 'default')).stdout, 'Aposta\njogo do bicho\n');
    assert.equal((await g.command('words', 'export')).stdout, 'cartão de crédito\nCassino\n');
    assert.equal((await g.json('words', 'list')).length, 4);
    assert.deepEqual(await g.json('words', 'remove', 'CASSINO', 'nothing'), { changed: 1 });
    await g.sent(await g.send(TO, 'cassino'), 2);
    await g.kill();
    await g.start();
    await g.sent(await g.send(TO, 'aposta'), 207);
    for (const [code, ...args] of [[65, 'words', 'add', '!!'], [66, 'words', 'import', '/nonexistent'], [66, 'words', 'add', 'x', '--sub-account', 'nobody'], [64, 'words', 'add']]) {
      assert.equal((await g.tryCommand(...args)).code, code, args.join(' '));
    }
  });

  scenario('header and footer of marketing, and the limit they count in', async w => {
    const { g, smsc } = await world(w);
    await g.command('sub-account', 'set', 'default', '--class', 'marketing', '--header', 'LOJA:', '--footer', 'SAIR p/ sair', '--max-length', '40');
    await g.delivered(await g.send(TO, 'Só hoje'), 4);
    assert.equal(text(smsc.submits.pop().f), 'LOJA: Só hoje SAIR p/ sair');
    await g.send(TO, 'x'.repeat(21));
    await refused(g, { messageText: 'x'.repeat(22) }, 'messageText: longer than 40 characters with header and footer');
    const [sub] = await g.json('sub-account', 'list');
    assert.deepEqual([sub.maxLength, sub.header, sub.footer], [40, 'LOJA:', 'SAIR p/ sair']);
    const c = await g.tryCommand('send', '--username', 'tester', '--to', TO, '--text', 'x'.repeat(22));
    assert.deepEqual([c.code, /messageText: longer than 40/.test(c.stderr)], [65, true]);
    await g.kill();
    await g.start();
    await refused(g, { messageText: 'x'.repeat(22) }, 'messageText: longer than 40 characters with header and footer');
    await g.command('sub-account', 'set', 'default', '--header', '', '--footer=', '--max-length', 'none');
    smsc.submits.length = 0;
    await g.delivered(await g.send(TO, 'y'.repeat(100)), 4);
    assert.equal(text(smsc.submits.pop().f), 'y'.repeat(100));
    for (const args of [['--max-length', '0'], ['--max-length', '1281'], ['--header', 'x'.repeat(321)]]) assert.equal((await g.tryCommand('sub-account', 'set', 'default', ...args)).code, 65, args.join(' '));
  });

  scenario('the commands work without a server, and it knows of them when it starts', async w => {
    const { g } = await world(w);
    await g.stop();
    await g.command('template', 'add', '--name', 'a', '--text', 'de fora');
    await g.command('words', 'add', 'fora');
    await g.command('campaign', 'add', '--alias', 'x');
    assert.equal((await run(POMBO, ['template', 'list', '--config', g.config])).stdout.split('\n').length, 2);
    await g.start();
    await g.sent(await g.send(TO, undefined, { messageText: undefined, templateName: 'a', campaignAlias: 'X' }), 207);
    assert.equal((await g.json('campaign', 'list')).length, 1);
  });
});
