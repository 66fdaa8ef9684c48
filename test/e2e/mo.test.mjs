// Messages from handsets: deliver_sm and data_sm of an SMSC that is not ours, joined, matched, told, listed; those of the sandbox.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { POMBO, run, scenario, until } from './peers/gateway.mjs';
import { CODE, DAY, DATE, OTHER, TO, UUID, joins, reached, receive, say, sayParts, says, texts, told, ucs2, user, world } from './peers/handset.mjs';
import { Sandbox } from './peers/sandbox.mjs';

describe('a message from a handset', { concurrency: 4 }, () => {
  scenario('is matched to the message it answers, and told as documented', async w => {
    const { smsc, r, g } = await world(w);
    await g.sent(await g.send(TO, 'primeira'), 2);
    await g.command('campaign', 'add', '--alias', 'Promo');
    const id = await g.send('+55 (11) 90000-0001', 'Qual sabor?', { correlationId: '1876', campaignAlias: 'Promo' });
    await g.sent(id, 2);
    await g.sent(await g.send(OTHER, 'para outro'), 2);
    const began = Date.now();
    await says(smsc, 'Eu quero pizza');
    const [call] = await told(r, 1);
    assert.deepEqual([call.method, call.path, call.headers['content-type']], ['POST', '/mo', 'application/json']);
    const { id: moId, receivedAt, receivedDate, ...rest } = call.json;
    assert.deepEqual(rest, {
      subAccount: 'default', campaignAlias: 'Promo', carrierId: 1, carrierName: 'VIVO', source: TO, shortCode: CODE, messageText: 'Eu quero pizza',
      mt: { id, correlationId: '1876', username: 'tester', email: 'tester@example.com' },
    });
    assert.match(moId, UUID);
    assert.ok(receivedAt >= began - 1 && receivedAt <= Date.now());
    assert.equal(Date.parse(receivedDate), Math.floor(receivedAt / 1000) * 1000);
    assert.ok(call.headers['webhook-id'] && call.headers['webhook-signature']);
    assert.deepEqual((await receive(g, 'search')).messages, [call.json]);
    assert.deepEqual((await receive(g, 'list')).messages, [call.json]);
    assert.deepEqual((await receive(g, 'list')).messages, []);
    const shown = await g.json('message', 'show', moId);
    assert.deepEqual([shown.source, shown.shortCode, shown.owner, shown.mtId, shown.mtUsername], [TO, CODE, 'mt', id, 'tester']);
    assert.match(await g.timeline(id), new RegExp(moId));
    // Without a correlationId of the caller's it is the id; an empty text is one blank in the webhook.
    const second = await g.send(TO, 'e agora?');
    await g.sent(second, 2);
    await says(smsc, '');
    const [, empty] = await told(r, 2);
    assert.deepEqual([empty.json.messageText, empty.json.mt.id, empty.json.mt.correlationId], [' ', second, second]);
  });

  scenario('comes by deliver_sm or data_sm, in every coding', async w => {
    const { smsc, g } = await world(w);
    const list = [
      ['Sim, @ às 8', Buffer.from('Sim, \x00 \x7fs 8', 'latin1'), {}], ['[€]', Buffer.from('\x1b\x3c\x1be\x1b\x3e', 'latin1'), {}],
      ['ação', 'ação', { data_coding: 3 }], ['Olá 😀 ção', ucs2('Olá 😀 ção'), { data_coding: 8 }],
      ['por data-sm', 'por data-sm', { command: 'data_sm' }],
      ['longa '.repeat(60), '', { short_message: '', message_payload: { message: Buffer.from('longa '.repeat(60)) } }],
    ];
    for (const [, octets, more] of list) await says(smsc, octets, more);
    assert.deepEqual(await texts(g, 'search'), list.map(l => l[0]));
  });

  scenario('GET carries the same as a query, the mt as mtId and so on', async w => {
    const { smsc, r, g } = await world(w);
    await g.command('webhook', 'set', '--sub-account', 'default', '--mo', `${r.url}/mo?key=a%20b`, '--mo-method', 'GET');
    const id = await g.send(TO, 'Oi', { correlationId: 'a&b=c' });
    await g.sent(id, 2);
    await says(smsc, ucs2('Olá & tchau? 50%+'), { data_coding: 8 });
    await says(smsc, 'ninguém'.replace('é', 'e'), { from: OTHER });
    await told(r, 2);
    const [first, second] = r.calls.map(c => ({ ...c, q: new URL(c.path, r.url).searchParams }));
    assert.deepEqual([first.method, first.body, new URL(first.path, r.url).pathname], ['GET', '', '/mo']);
    assert.deepEqual([...first.q.keys()], ['key', 'id', 'subAccount', 'carrierId', 'carrierName', 'source', 'shortCode', 'messageText', 'receivedAt', 'receivedDate', 'mtId', 'mtCorrelationId', 'mtUsername', 'mtEmail']);
    const { key, messageText, mtId, mtCorrelationId, mtUsername, mtEmail, source } = Object.fromEntries(first.q);
    assert.deepEqual([key, messageText, mtId, mtCorrelationId, mtUsername, mtEmail, source], ['a b', 'Olá & tchau? 50%+', id, 'a&b=c', 'tester', 'tester@example.com', TO]);
    assert.deepEqual([second.q.get('source'), second.q.has('mtId')], [OTHER, false]);
    assert.ok(first.headers['webhook-signature']);
  });

  scenario('without an answer is kept: by keyword, by short code, else the default sub-account\'s', async w => {
    const { smsc, g } = await world(w);
    await g.command('sub-account', 'add', 'loja');
    await g.command('sub-account', 'add', 'bar');
    await g.command('short-code', 'assign', '28149', '--sub-account', 'loja');
    await g.command('keyword', 'add', 'Cartão', '--short-code', '28149', '--action', 'route', '--sub-account', 'bar');
    await g.sent(await g.send(TO), 2);
    await says(smsc, 'nenhum'); // the only one that answers
    await says(smsc, 'dona', { to: '28149' });
    await says(smsc, 'CARTAO: 2a via', { to: '28149' });
    await says(smsc, 'cartaoum', { to: '28149' });
    await says(smsc, 'perdida', { to: '99999', from: OTHER });
    await says(smsc, 'texto', { from: 'BANCO', source_addr_ton: 5, source_addr_npi: 0 });
    const boss = await user(g, 'boss', '--role', 'administrator');
    const { messages } = await receive(g, 'search', boss);
    assert.deepEqual(messages.map(m => [m.messageText, m.subAccount, Boolean(m.mt), m.source, m.carrierName]), [
      ['nenhum', 'default', true, TO, 'VIVO'], ['dona', 'loja', false, TO, 'VIVO'], ['CARTAO: 2a via', 'bar', false, TO, 'VIVO'],
      ['cartaoum', 'loja', false, TO, 'VIVO'], ['perdida', 'default', false, OTHER, 'VIVO'], ['texto', 'default', false, 'BANCO', 'UNKNOWN'],
    ]);
    const owners = await Promise.all(messages.map(async m => (await g.json('message', 'show', m.id)).owner));
    assert.deepEqual(owners, ['mt', 'short code', 'keyword', 'short code', 'default', 'default']);
    assert.equal(await g.metric('pombo_mo_unmatched_total'), 5);
    assert.equal((await g.json('message', 'search', '--received', '--number', OTHER)).length, 1);
  });
});

describe('long messages', { concurrency: 4 }, () => {
  const parts = ['Olá, este é o começo; ', 'aqui o meio 😀 ', 'e aqui o fim.'], whole = parts.join('');

  for (const join of Object.keys(joins)) {
    scenario(`${join}: parts in any order are one message, two handsets' with one reference are two`, async w => {
      const { smsc, r, g } = await world(w);
      await sayParts(smsc, join, 0x4142, parts, [3, 1]);
      await sayParts(smsc, join, 0x4142, ['outra ', 'pessoa'], [2], { source_addr: OTHER });
      assert.deepEqual(await texts(g, 'search'), [], 'nothing is told before it is whole');
      await sayParts(smsc, join, 0x4142, parts, [2]);
      await sayParts(smsc, join, 0x4142, ['outra ', 'pessoa'], [1], { source_addr: OTHER });
      assert.deepEqual(await texts(g, 'search'), [whole, 'outra pessoa']);
      await told(r, 2);
      // The same reference again is a new message, not the old one's.
      await sayParts(smsc, join, 0x4142, ['mais ', 'uma ', 'vez'], [2, 3, 1]);
      assert.deepEqual(await texts(g, 'list'), [whole, 'outra pessoa', 'mais uma vez']);
    });
  }

  scenario('kill -9 between the parts loses and doubles nothing', async w => {
    const { smsc, r, g } = await world(w);
    const id = await g.send(TO, 'Conte tudo');
    await g.sent(id, 2);
    await sayParts(smsc, 'UDH 8 bit', 7, parts, [2]);
    await g.kill();
    await g.start();
    await g.up();
    await sayParts(smsc, 'UDH 8 bit', 7, parts, [2, 3]); // its answer may have been lost: the carrier sends again
    await g.kill();
    await g.start();
    await g.up();
    await sayParts(smsc, 'UDH 8 bit', 7, parts, [1]);
    assert.deepEqual(await texts(g, 'search'), [whole]);
    await g.kill();
    await g.start();
    await g.up();
    await sayParts(smsc, 'UDH 8 bit', 7, parts, [1, 2, 3]);
    const { messages } = await receive(g, 'list');
    assert.deepEqual(messages.map(m => [m.messageText, m.mt?.id]), [[whole, id]]);
    assert.deepEqual(await texts(g, 'list'), []);
    await until('the webhook', () => r.calls.some(c => c.json.messageText === whole));
    assert.equal(new Set(r.calls.map(c => c.json.id)).size, 1);
  });

  scenario('what does not come is an ellipsis once the wait is over', async w => {
    const { smsc, r, g } = await world(w, { sms: { mo: { part_wait: '1s' } } });
    await sayParts(smsc, 'SAR', 9, parts, [3, 1]);
    const [call] = await told(r, 1);
    assert.equal(call.json.messageText, `${parts[0]}…${parts[2]}`);
    await sayParts(smsc, 'SAR', 9, parts, [2]);
    await until('the late part', () => r.calls.some(c => c.json.messageText === `…${parts[1]}…`));
    assert.equal(await g.metric('pombo_mo_incomplete_total'), 2);
  });
});

describe('receive list and search', { concurrency: 4 }, () => {
  async function three(w) {
    const all = await world(w);
    const { g, smsc } = all;
    await g.command('sub-account', 'add', 'loja');
    const loja = await user(g, 'loja', '--sub-account', 'loja');
    const boss = await user(g, 'boss', '--role', 'administrator');
    const colleague = await user(g, 'colleague');
    await g.sent(await g.send(TO), 2);
    const theirs = await g.send(OTHER, 'x', {}, loja);
    await until('sent', async () => (await g.statuses([theirs], loja)).get(theirs)?.sentStatusCode === 2);
    for (const [text, from] of [['um', TO], ['dois', OTHER], ['três', TO], ['quatro', OTHER]]) await says(smsc, text, { from, data_coding: 3 });
    return { ...all, loja, boss, colleague };
  }

  scenario('scopes by role; each user reads each message once', async w => {
    const { g, smsc, loja, boss, colleague } = await three(w);
    for (const what of ['search', 'search']) {
      assert.deepEqual(await texts(g, what), ['um', 'três']);
      assert.deepEqual(await texts(g, what, loja), ['dois', 'quatro']);
      assert.deepEqual(await texts(g, what, boss), ['um', 'dois', 'três', 'quatro']);
      assert.deepEqual(await texts(g, `${what}?subAccount=loja`, boss), ['dois', 'quatro']);
    }
    assert.deepEqual(await texts(g, 'list'), ['um', 'três']);
    assert.deepEqual(await texts(g, 'list'), []);
    assert.deepEqual(await texts(g, 'list', colleague), ['um', 'três'], 'a cursor is one user\'s');
    assert.deepEqual(await texts(g, 'list?subAccount=loja', boss), ['dois', 'quatro']);
    assert.deepEqual(await texts(g, 'list?subAccount=loja', boss), []);
    assert.deepEqual(await texts(g, 'list', boss), ['um', 'três'], 'what was left is still there');
    assert.deepEqual(await texts(g, 'list', loja), ['dois', 'quatro']);
    await says(smsc, 'cinco', { from: OTHER });
    await g.kill();
    await g.start();
    assert.deepEqual(await texts(g, 'list'), []);
    assert.deepEqual(await texts(g, 'list', loja), ['cinco']);
    assert.deepEqual(await texts(g, 'list', boss), ['cinco']);
    for (const what of ['list', 'search']) {
      const no = await g.request('GET', `/v1/sms/receive/${what}?subAccount=loja`);
      assert.deepEqual([no.status, no.json.errorCode], [403, 403]);
      assert.match(no.json.errorMessage, /^subAccount: only administrators/);
      const nobody = await g.request('GET', `/v1/sms/receive/${what}?subAccount=nada`, { user: boss });
      assert.deepEqual([nobody.status, nobody.json.errorMessage], [400, 'subAccount: unknown']);
      assert.equal((await g.request('GET', `/v1/sms/receive/${what}`, { user: { ...loja, authenticationtoken: 'wrong' } })).status, 401);
      assert.equal((await g.request('DELETE', `/v1/sms/receive/${what}`)).status, 405);
    }
  });

  scenario('limit, start and end; at most five days back; oldest first', async w => {
    const { g, boss } = await three(w);
    const all = (await receive(g, 'search', boss)).messages, times = all.map(m => m.receivedAt);
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
    const now = Date.now(), five = await receive(g, 'search');
    assert.ok(Math.abs(Date.parse(five.start) - (now - 5 * DAY)) < 20000 && Math.abs(Date.parse(five.end) - now) < 20000);
    const old = await receive(g, 'search?start=2016-09-12T00:00:00', boss);
    assert.ok(Math.abs(Date.parse(old.start) - (now - 5 * DAY)) < 20000, `an older start is moved up: ${old.start}`);
    assert.equal(old.total, 4);
    assert.equal((await receive(g, 'search?start=2016-09-12T00:00:00&end=2016-09-15T00:00:00', boss)).total, 0);
    const yesterday = new Date(now - DAY).toISOString().slice(0, 19), tomorrow = new Date(now + DAY).toISOString().slice(0, 19);
    const today = await receive(g, `search?start=${yesterday}&end=${tomorrow}`, boss);
    assert.deepEqual([today.start, today.end, today.total], [`${yesterday}Z`, `${tomorrow}Z`, 4]);
    const local = new Date(now + DAY - 3 * 3600000).toISOString().slice(0, 19);
    assert.equal((await receive(g, `search?end=${encodeURIComponent(`${local}-03:00`)}`, boss)).end, `${tomorrow}Z`);
    assert.deepEqual(await texts(g, `search?start=${times[1]}&end=${times[2]}`, boss), all.filter(m => m.receivedAt >= times[1] && m.receivedAt <= times[2]).map(m => m.messageText));
    assert.deepEqual(await texts(g, 'search?limit=3', boss), ['um', 'dois', 'três']);
    assert.deepEqual(await texts(g, 'list?limit=1', boss), ['um']);
    assert.deepEqual(await texts(g, `list?start=${times[3]}`, boss), all.filter((m, i) => i && m.receivedAt >= times[3]).map(m => m.messageText));
    assert.deepEqual(await texts(g, 'list?end=2016-09-15T00:00:00', boss), []);
    assert.deepEqual(await texts(g, 'list', boss), all.filter((m, i) => i && m.receivedAt < times[3]).map(m => m.messageText));
    const left = await receive(g, 'list', boss);
    assert.ok(Math.abs(Date.parse(left.start) - (Date.now() - 3 * DAY)) < 20000);
    for (const [query, field] of [['limit=0', 'limit'], ['limit=1001', 'limit'], ['limit=x', 'limit'], ['start=ontem', 'start'], ['end=2016-13-01', 'end'], [`start=${now}&end=${now - 1000}`, 'end']]) {
      for (const what of ['list', 'search']) {
        const r = await g.request('GET', `/v1/sms/receive/${what}?${query}`);
        assert.deepEqual([query, r.status, r.json.errorMessage.split(':')[0]], [query, 400, field]);
      }
    }
  });

  scenario('fifty readers at once get disjoint ranges and miss nothing', async w => {
    const { g, smsc } = await world(w, { limits: { requests_per_second: 0, status_queries_per_second: 0 } });
    const sent = Array.from({ length: 300 }, (_, i) => `n ${i}`);
    await Promise.all(sent.map((text, i) => says(smsc, text, { from: `55119${String(10000000 + i)}` })));
    const got = [];
    const reader = async () => { for (;;) { const list = await texts(g, 'list?limit=7'); if (!list.length) return; got.push(...list); } };
    await Promise.all(Array.from({ length: 50 }, reader));
    // A reader may find all that is left leased by others and end; what is over then is read by one.
    await reader();
    assert.deepEqual(got.slice().sort(), sent.slice().sort());
  });
});

describe('the sandbox\'s handsets', { concurrency: 4 }, () => {
  async function house(w, options = {}) {
    const s = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: s, ...options });
    await g.up();
    const reply = (...args) => run(POMBO, ['sandbox', 'reply', '--http', s.handset.replace('http://', ''), ...args]);
    return { s, g, reply };
  }
  const long = `${'Uma resposta bem comprida, que não cabe num SMS. '.repeat(8)}Fim 😀`;

  scenario('send by JSON and by command; long ones in shuffled parts are whole again', async w => {
    const { s, g, reply } = await house(w);
    const id = await g.send(TO, 'E então?');
    await g.delivered(id, 4);
    const short = await reply(TO, CODE, 'Sim, [€] às 8');
    assert.deepEqual([short.code, short.stderr], [0, '']);
    assert.match(short.stdout, /^\d+\n$/);
    const whole = ['Sim, [€] às 8'];
    await until('it', async () => (await texts(g, 'search')).length === 1);
    for (const join of ['udh8', 'udh16', 'sar']) {
      const text = `${join}: ${long}`;
      whole.push(text);
      const r = await s.json('POST', '/reply', { number: TO, shortCode: CODE, text, join, shuffle: true });
      assert.equal(r.status, 200, JSON.stringify(r.json));
      await until('all parts of it', async () => (await texts(g, 'search')).length === whole.length);
    }
    const ascii = 'plain '.repeat(70);
    for (const [text, ...more] of [[ascii, '--join', 'payload', '--alphabet', 'ascii'], [`ção ${ascii}`, '--shuffle', '--alphabet', 'latin1']]) {
      whole.push(text);
      assert.equal((await reply(TO, CODE, text, ...more)).code, 0);
      await until('it', async () => (await texts(g, 'search')).length === whole.length);
    }
    const { messages } = await receive(g, 'list');
    assert.deepEqual(messages.map(m => m.messageText), whole);
    assert.ok(messages.every(m => m.mt.id === id));
    const shown = (await s.messages(TO)).filter(m => m.direction === 'mo');
    assert.deepEqual(shown.map(m => m.text).sort(), whole.slice().sort());
  });

  scenario('lose a part when told to; 9007 opts out by itself', async w => {
    const { s, g, reply } = await house(w, { sms: { mo: { part_wait: '1s' } } });
    assert.equal((await reply(TO, CODE, long, '--skip', '1')).code, 0);
    const [text] = await until('what came', async () => { const l = await texts(g, 'search'); return l.length && l; });
    assert.ok(text.startsWith('…') && text.endsWith('Fim 😀') && text.length < long.length, text);
    await g.delivered(await g.send('5511900009007'), 4);
    await until('SAIR', async () => await g.metric('pombo_mo_opt_out_total') === 1);
    await g.sent(await g.send('5511900009007'), 204);
    assert.equal((await s.messages('5511900009007')).filter(m => m.direction === 'mt').length, 1);
  });

  scenario('say what is wrong', async w => {
    const { s, reply } = await house(w);
    for (const [code, words, ...args] of [
      [64, /NUMBER, SHORT_CODE and TEXT are needed/, TO, CODE], [64, /--skip/, TO, CODE, 'x', '--skip', '0'], [65, /alphabet: auto/, TO, CODE, 'x', '--alphabet', 'klingon'],
      [65, /join: udh8/, TO, CODE, 'x', '--join', 'glue'], [65, /not every character/, TO, CODE, '日本', '--alphabet', 'ascii'], [65, /too long/, TO, CODE, 'x'.repeat(20000)],
      [65, /1 to 20 characters/, '5'.repeat(21), CODE, 'x'],
    ]) {
      const r = await reply(...args);
      assert.deepEqual([args, r.code], [args, code]);
      assert.match(r.stderr, words);
    }
    assert.equal((await run(POMBO, ['sandbox', 'reply', '--help'])).code, 0);
    assert.equal((await run(POMBO, ['sandbox', 'reply', '--http', '127.0.0.1:1', TO, CODE, 'x'])).code, 69);
    for (const bad of [{ join: 5 }, { alphabet: '' }, { shuffle: 'yes' }, { skip: 0 }, { skip: 1.5 }, { skip: 9 }]) {
      const r = await s.json('POST', '/reply', { number: TO, shortCode: CODE, text: 'x', ...bad });
      assert.deepEqual([bad, r.status, r.json.errorCode], [bad, 400, 400]);
    }
  });
});
