// What messages from handsets ask for: opt-out and opt-in, keywords, and what is answered.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { never, scenario, until } from './peers/gateway.mjs';
import { CODE, OTHER, TO, reached, receive, says, told, user, world } from './peers/handset.mjs';

describe('opt-out and opt-in', { concurrency: 4 }, () => {
  const proofOf = async (g, number, ...more) => (await g.json('opt-out', 'show', number, ...more)).at(-1);

  scenario('SAIR ends the next send in 204, the MO is the proof, VOLTAR lifts it', async w => {
    const { smsc, r, g } = await world(w);
    await g.sent(await g.send(TO), 2);
    await says(smsc, ' Sáir! ', { data_coding: 3 });
    const blocked = await g.send(TO);
    assert.equal((await g.sent(blocked, 204)).sentStatus, 'DESTINATION_BLOCKED_BY_OPTOUT');
    assert.equal(smsc.to(TO).length, 1);
    const [call] = await told(r, 1);
    const proof = await until('the proof', () => proofOf(g, '+55 11 90000 0001'));
    assert.deepEqual([proof.number, proof.source, proof.why, proof.until], [TO, 'mo', `MO ${call.json.id} to ${CODE}:  Sáir! `, undefined]);
    assert.equal(Date.parse(proof.since), Math.floor(call.json.receivedAt / 1000) * 1000);
    assert.equal((await g.json('message', 'show', call.json.id)).asksFor, 'opt-out');
    assert.equal(await g.metric('pombo_mo_opt_out_total'), 1);
    await says(smsc, 'voltar');
    await g.delivered(await g.send(TO), 4);
    const [, back] = await told(r, 2);
    const past = await until('the end of it', async () => { const p = await proofOf(g, TO); return p.until && p; });
    assert.equal(past.endWhy, `MO ${back.json.id} to ${CODE}: voltar`);
    assert.equal((await g.json('opt-out', 'list')).length, 0);
  });

  scenario('is of the sub-account that the message answers, and of no other', async w => {
    const { smsc, g } = await world(w);
    await g.command('sub-account', 'add', 'loja');
    const loja = await user(g, 'loja', '--sub-account', 'loja');
    const code = async (id, as) => (await until('a code', async () => { const s = (await g.statuses([id], as)).get(id); return s?.sentStatusCode && s; })).sentStatusCode;
    assert.equal(await code(await g.send(TO, 'x', {}, loja), loja), 2);
    await says(smsc, 'STOP');
    assert.equal(await code(await g.send(TO, 'x', {}, loja), loja), 204);
    await g.delivered(await g.send(TO), 4);
    // The last message is the default sub-account's now: the word is meant for it.
    await says(smsc, 'Unsubscribe.');
    await g.sent(await g.send(TO), 204);
    assert.deepEqual([(await g.json('opt-out', 'list')).length, (await g.json('opt-out', 'list', '--sub-account', 'loja')).length], [1, 1]);
    // By keyword it is the sub-account that the keyword names.
    await g.command('keyword', 'add', 'CHEGA', '--short-code', CODE, '--action', 'opt-out', '--sub-account', 'loja');
    await g.command('keyword', 'add', 'QUERO', '--short-code', CODE, '--action', 'opt-in', '--sub-account', 'loja');
    await says(smsc, 'quero de novo');
    assert.equal(await code(await g.send(TO, 'x', {}, loja), loja), 2);
    await says(smsc, 'chega de mensagens', { from: OTHER });
    assert.equal(await code(await g.send(OTHER, 'x', {}, loja), loja), 204);
    await g.delivered(await g.send(OTHER), 4);
  });

  scenario('only a message that is the word counts; the words are configuration', async w => {
    const { smsc, g } = await world(w, { sms: { mo: { opt_out_words: ['CHEGA', 'não quero'], opt_in_words: ['QUERO'] } } });
    for (const text of ['SAIR', 'chega mais', 'nao quero carne', 'x']) await says(smsc, text);
    await g.delivered(await g.send(TO), 4);
    await says(smsc, 'NAO  QUERO');
    await g.sent(await g.send(TO), 204);
    await says(smsc, 'quero');
    await g.delivered(await g.send(TO), 4);
  });

  scenario('kill -9 right after the answer to the carrier: it is in force after the start', async w => {
    const { smsc, g } = await world(w);
    for (let i = 0; i < 5; i++) {
      const number = `551190000010${i}`;
      await says(smsc, 'parar', { from: number });
      await g.kill();
      await g.start();
      await g.up();
      await g.sent(await g.send(number), 204);
      const proof = await until('the proof', async () => (await g.json('opt-out', 'show', number)).at(-1));
      assert.equal(proof.source, 'mo');
      // What was taken back by command since then stays so.
      await g.command('opt-out', 'remove', number);
      await g.kill();
      await g.start();
      await g.up();
      await g.delivered(await g.send(number), 4);
    }
  });
});

describe('keywords', { concurrency: 4 }, () => {
  scenario('reply by a message of that sub-account, once for each MO', async w => {
    const { smsc, g } = await world(w);
    await g.command('sub-account', 'add', 'loja');
    const loja = await user(g, 'loja', '--sub-account', 'loja');
    await g.command('keyword', 'add', 'HORÁRIO', '--short-code', CODE, '--action', 'reply', '--sub-account', 'loja', '--text', 'Das 9 às 18 h');
    await says(smsc, 'horario de hoje?');
    const [s] = await reached(smsc, TO);
    assert.deepEqual([s.from, s.to], [CODE, TO]);
    const [reply] = await until('the reply', async () => { const l = await g.json('message', 'search', '--number', TO); return l.length && l; });
    const status = await until('delivered', async () => { const x = (await g.statuses([reply.id], loja)).get(reply.id); return x?.deliveredStatusCode === 4 && x; });
    assert.deepEqual([status.destination, status.sentStatusCode], [TO, 2]);
    assert.equal((await g.json('message', 'show', reply.id)).subAccount, 'loja');
    // An answer to the reply is matched to it.
    await says(smsc, 'Obrigado');
    assert.deepEqual((await receive(g, 'search', loja)).messages.map(m => [m.messageText, m.mt?.id]), [['Obrigado', reply.id]]);
    assert.equal(await g.metric('pombo_mo_replies_total'), 1);
    await says(smsc, 'HORARIO');
    await never('a second one within seconds', () => smsc.to(TO).length > 1, 300);
    assert.equal(await g.metric('pombo_mo_replies_limited_total'), 1);
    await says(smsc, 'HORARIO', { from: OTHER });
    await reached(smsc, OTHER);
  });

  scenario('machines that answer each other end: replies are limited by number, services get none', async w => {
    const { smsc, g } = await world(w, { sms: { mo: { replies_per_hour: 2 } } });
    for (const word of ['A', 'B', 'C', 'D']) await g.command('keyword', 'add', word, '--short-code', CODE, '--action', 'reply', '--text', `${word}?`);
    for (const word of ['A', 'B', 'C', 'D']) await says(smsc, word);
    await says(smsc, 'A', { from: '28149', source_addr_ton: 3 });
    await says(smsc, 'A', { from: 'BANCO', source_addr_ton: 5 });
    await says(smsc, 'B', { from: OTHER });
    await reached(smsc, OTHER);
    await reached(smsc, TO, 2);
    await never('more', () => smsc.submits.length > 3, 300);
    assert.deepEqual([await g.metric('pombo_mo_replies_total'), await g.metric('pombo_mo_replies_limited_total')], [3, 2]);
  });

  scenario('a reply to VOLTAR goes out; SAIR with a keyword of its own still opts out', async w => {
    const { smsc, g } = await world(w);
    await g.command('keyword', 'add', 'SAIR', '--short-code', CODE, '--action', 'reply', '--text', 'Até logo');
    await g.command('keyword', 'add', 'VOLTAR', '--short-code', CODE, '--action', 'reply', '--text', 'Que bom');
    await says(smsc, 'SAIR');
    await g.sent(await g.send(TO), 204);
    await says(smsc, 'VOLTAR');
    await until('the welcome', () => smsc.to(TO).some(s => s.f.text.toString() === 'Que bom'));
    await g.delivered(await g.send(TO), 4);
    await g.command('keyword', 'remove', 'VOLTAR', '--short-code', CODE);
    assert.deepEqual((await g.json('keyword', 'list')).map(k => [k.word, k.action, k.text]), [['SAIR', 'reply', 'Até logo']]);
  });
});

// Who asks for no more is told that it is so, by the number that he asked for no more from.
describe('the answer to an opt-out word', { concurrency: 4 }, () => {
  const said = (smsc, text, to = TO) => smsc.to(to).filter(s => s.f.text.toString() === text);
  const optedOut = (g, number) => until('the opt-out', async () => (await g.json('opt-out', 'show', number)).some(p => !p.until));
  const stop = async (g, word, text, ...more) => g.command('keyword', 'add', word, '--short-code', CODE, '--action', 'reply', '--text', text, ...more);

  scenario('goes out once though its number is on the list by then; other messages get 204', async w => {
    const { smsc, g } = await world(w);
    await stop(g, 'SAIR', 'Voce saiu da lista');
    await stop(g, 'PARAR', 'Ja esta fora');
    await stop(g, 'OLA', 'Ola!');
    await g.command('connection', 'pause', 'main'); // the list is there first
    await says(smsc, 'SAIR');
    await optedOut(g, TO);
    const other = await g.send(TO);
    await g.sent(other, 204);
    await g.command('connection', 'resume', 'main');
    await until('the confirmation', () => said(smsc, 'Voce saiu da lista').length);
    const [confirmation] = await until('it delivered', async () => { const l = await g.json('message', 'search', '--number', TO, '--status', '4'); return l.length && l; });
    assert.match(await g.timeline(confirmation.id), /confirms an opt-out/);
    // One more opt-out is confirmed too; a reply to another word is a message like any other.
    await says(smsc, 'PARAR');
    await until('the second', () => said(smsc, 'Ja esta fora').length);
    await says(smsc, 'OLA');
    await until('the other reply ended', async () => (await g.json('message', 'search', '--number', TO, '--status', '204')).length === 2);
    await g.sent(await g.send(TO), 204);
    await never('more', () => smsc.to(TO).length > 2, 300);
    assert.deepEqual(smsc.to(TO).map(s => s.f.text.toString()), ['Voce saiu da lista', 'Ja esta fora']);
  });

  scenario('outlives kill -9 before it left', async w => {
    const { smsc, g } = await world(w);
    await stop(g, 'SAIR', 'Voce saiu da lista');
    await g.command('connection', 'pause', 'main');
    await says(smsc, 'SAIR');
    await optedOut(g, TO);
    for (let i = 0; i < 2; i++) {
      await g.kill();
      await g.start();
      await g.up();
    }
    await g.sent(await g.send(TO), 204);
    await g.command('connection', 'resume', 'main');
    await until('the confirmation', () => said(smsc, 'Voce saiu da lista').length);
    await g.sent(await g.send(TO), 204);
    await never('a second one', () => smsc.to(TO).length > 1, 300);
  });

  scenario('is held back neither by the sending hours of a marketing sub-account nor by its cap', async w => {
    const { smsc, g } = await world(w);
    await stop(g, 'SAIR', 'Voce saiu da lista');
    await g.command('sub-account', 'set', 'default', '--class', 'marketing', '--per-destination', '1/1d');
    await g.delivered(await g.send(TO, 'Promo'), 4);
    const hour = n => String((new Date().getUTCHours() - 3 + n + 48) % 24).padStart(2, '0'); // in Sao Paulo
    await g.command('sub-account', 'set', 'default', '--sending-hours', `quiet=${hour(-1)}:00-${hour(3)}:00`);
    await says(smsc, 'SAIR');
    await until('the confirmation', () => said(smsc, 'Voce saiu da lista').length);
    await g.sent(await g.send(TO, 'Promo'), 204);
  });

  scenario('does not go out to a number that the operator blocked', async w => {
    const { smsc, g } = await world(w);
    await stop(g, 'SAIR', 'Voce saiu da lista');
    await g.command('block', 'add', TO);
    await says(smsc, 'SAIR');
    await until('its end', async () => (await g.json('message', 'search', '--number', TO, '--status', '203')).length === 1);
    assert.equal(smsc.to(TO).length, 0);
  });
});
