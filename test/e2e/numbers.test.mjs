// Numbers: block lists, opt-outs, ported numbers, look-ups - through the commands and the API, beside a running server.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const TO = '5511900000001', OTHER = '5511900000002';

async function world(w, options = {}) {
  const smsc = await w.peer(Smsc.listen({ onSubmit: s => { s.accept(); s.receipt(); } }));
  const r = await w.peer(Receiver.listen());
  const g = await w.gateway({ smsc, webhook: r.url, ...options });
  return { smsc, r, g };
}
const file = (g, name, text) => { const p = path.join(g.dir, name); fs.writeFileSync(p, text); return p; };
async function fails(g, code, words, ...args) {
  const r = await g.tryCommand(...args);
  assert.equal(r.code, code, `pombo ${args.join(' ')}: ${r.stdout}${r.stderr}`);
  assert.match(r.stderr, words);
}

describe('block lists', () => {
  scenario('end in 203 at once, told by status, webhook and time line; the ninth digit makes no difference', async w => {
    const { g, r, smsc } = await world(w);
    await g.command('block', 'add', '55 11 8765-4321', TO, '--why', 'fraude, 2026');
    const [a, b, c] = await g.bulk([{ destination: '5511987654321', messageText: 'x' }, { destination: '+55 11 8765 4321', messageText: 'x' }, { destination: OTHER, messageText: 'x' }]);
    assert.equal((await g.sent(a, 203)).sentStatus, 'BLACKLISTED');
    assert.equal((await g.sent(b, 203)).destination, '+55 11 8765 4321');
    await g.delivered(c, 4);
    await until('the webhook', () => r.of(a, '/sent').length);
    assert.deepEqual([r.of(a, '/sent')[0].json.sentStatusCode, r.of(a, '/sent')[0].json.carrierName], [203, 'VIVO']);
    assert.match(await g.timeline(a), /ended 203 BLACKLISTED: blocked/);
    assert.equal(smsc.submits.length, 1);
    await g.command('block', 'remove', '5511987654321', '--why', 'esclarecido');
    await g.delivered(await g.send('551187654321'), 4);
    const past = await g.json('block', 'show', '+5511987654321');
    assert.deepEqual(past.map(p => [p.number, p.source, p.why, p.endWhy]), [['5511987654321', 'command', 'fraude, 2026', 'esclarecido']]);
    assert.match((await g.command('block', 'list')).stdout, new RegExp(`^${TO} +\\S+Z +command +fraude, 2026\n$`));
  });

  scenario('are an account\'s, or one sub-account\'s; they outlive kill -9', async w => {
    const { g } = await world(w);
    await g.command('sub-account', 'add', 'loja');
    const loja = await g.addUser('loja', ['--sub-account', 'loja']);
    await g.command('block', 'add', TO);
    await g.command('block', 'add', OTHER, '--sub-account', 'loja');
    for (let life = 0; life < 2; life++) {
      await g.sent(await g.send(TO), 203);
      await g.delivered(await g.send(OTHER), 4);
      for (const to of [TO, OTHER]) {
        const id = await g.send(to, 'x', {}, loja);
        assert.equal((await until('203', async () => (await g.statuses([id], loja)).get(id))).sentStatusCode, 203);
      }
      await g.kill();
      await g.start();
    }
  });

  scenario('a number that is no mobile comes first, an opt-out after it', async w => {
    const { g } = await world(w);
    await g.command('block', 'add', '551130001234', TO);
    await g.command('opt-out', 'add', TO, OTHER);
    await g.sent(await g.send('551130001234'), 202);
    await g.sent(await g.send(TO), 203);
    await g.sent(await g.send(OTHER), 204);
  });
});

describe('opt-outs', () => {
  scenario('end in 204 for that sub-account; what waits for a carrier does not leave any more', async w => {
    const { g, smsc } = await world(w);
    await g.command('sub-account', 'add', 'loja');
    const loja = await g.addUser('loja', ['--sub-account', 'loja']);
    await g.up();
    await smsc.close();
    await until('the link is down', async () => await g.metric('pombo_binds_up', 'main') === 0);
    const waits = await g.send(TO), other = await g.send(OTHER);
    await g.command('opt-out', 'add', TO, '--why', 'ligou para nós');
    assert.equal((await g.statuses([waits])).get(waits)?.sentStatusCode, undefined);
    await smsc.open();
    await g.sent(waits, 204);
    await g.delivered(other, 4);
    assert.match(await g.timeline(waits), /DESTINATION_BLOCKED_BY_OPTOUT.*opted_out/);
    const ours = await g.send(TO, 'x', {}, loja);
    await until('the other sub-account may', async () => (await g.statuses([ours], loja)).get(ours)?.deliveredStatusCode === 4);
    assert.deepEqual(smsc.submits.map(s => s.to).sort(), [TO, OTHER].sort());
  });

  scenario('come and go by files; an export reads back the same, with when and why', async w => {
    const { g } = await world(w);
    const list = file(g, 'list.csv', '\ufeffwhy;Number;since\r\n"disse ""não""; e mais";+55 (11) 90000-0001;2024-02-29T12:00:00Z\r\n;551187654321;2024-03-01T00:00:00-03:00\r\n# a remark\r\n\r\n;351912345678;\r\n');
    assert.deepEqual(await g.json('opt-out', 'import', list), { read: 3, changed: 3 });
    assert.deepEqual(await g.json('opt-out', 'import', list), { read: 3, changed: 0 });
    await g.sent(await g.send('5511987654321'), 204);
    await g.sent(await g.send('351912345678'), 204);
    const { stdout } = await g.command('opt-out', 'export');
    const lines = stdout.split('\n');
    assert.deepEqual(lines.slice(0, 1).concat(lines.slice(2, 4)), ['number,since,source,why', '5511900000001,2024-02-29T12:00:00Z,import,"disse ""não""; e mais"', '5511987654321,2024-03-01T03:00:00Z,import,']);
    await g.command('opt-out', 'remove', TO, '351912345678', '5511987654321');
    assert.equal((await g.command('opt-out', 'export')).stdout, 'number,since,source,why\n');
    await g.delivered(await g.send(TO), 4);
    await g.command('opt-out', 'import', file(g, 'again.csv', stdout));
    assert.equal((await g.command('opt-out', 'export')).stdout, stdout);
    const [first, second] = await g.json('opt-out', 'show', TO);
    assert.deepEqual([first.since, first.why, second.since, second.until], ['2024-02-29T12:00:00Z', 'disse "não"; e mais', first.since, undefined]);
  });

  scenario('a file with faults changes nothing, and they are told by line', async w => {
    const { g } = await world(w);
    const bad = file(g, 'bad.csv', `${TO}\nno number\n${OTHER},yesterday\n"${OTHER}\n123\n`);
    const r = await g.tryCommand('opt-out', 'import', bad);
    assert.equal(r.code, 65);
    for (const words of [/line 2: no number with country code/, /line 3: since when: not a time of ISO 8601/, /line 4: a quote is not closed/, /line 5: no number/, /nothing was taken/]) assert.match(r.stderr, words);
    assert.equal((await g.command('opt-out', 'export')).stdout, 'number,since,source,why\n');
    await fails(g, 66, /missing\.csv/, 'block', 'import', 'missing.csv');
    await fails(g, 66, /there is no account nobody/, 'block', 'add', TO, '--account', 'nobody');
    await fails(g, 66, /has no sub-account nowhere/, 'opt-out', 'add', TO, '--sub-account', 'nowhere');
    await fails(g, 65, /SAIR: not a number with country code/, 'opt-out', 'add', 'SAIR');
    await fails(g, 65, /--why: longer than 255 octets/, 'opt-out', 'add', TO, '--why', 'a'.repeat(256));
  });

  scenario('a hundred thousand numbers go in and out while messages are sent; a backup holds them', async w => {
    const { g } = await world(w);
    const numbers = Array.from({ length: 100000 }, (_, i) => `55119${String(10000000 + i * 7).padStart(8, '0')}`);
    const list = file(g, 'many.csv', numbers.join('\n'));
    const [done] = await Promise.all([g.json('block', 'import', list), g.delivered(await g.send(TO), 4)]);
    assert.deepEqual(done, { read: 100000, changed: 100000 });
    const ids = await g.bulk([0, 50000, 99999].map(i => ({ destination: numbers[i], messageText: 'x' })));
    for (const id of ids) await g.sent(id, 203);
    const out = (await g.command('block', 'export')).stdout.trimEnd().split('\n').slice(1);
    assert.deepEqual(out.map(l => l.split(',')[0]), numbers.slice().sort());
    assert.equal((await g.json('block', 'list', '--limit', '3')).length, 3);
    const copy = path.join(g.dir, 'copy');
    await g.command('store', 'backup', copy);
    await g.command('block', 'remove', numbers[0]);
    await g.stop();
    fs.rmSync(g.data, { recursive: true });
    await g.command('store', 'restore', copy);
    await g.start();
    await g.sent(await g.send(numbers[0]), 203);
  });

  scenario('are kept without a server too', async w => {
    const g = await w.gateway({ start: false });
    await g.command('opt-out', 'add', TO, '--why', 'before it ever ran');
    assert.equal((await g.json('opt-out', 'list')).length, 1);
    await g.start();
    await g.addUser();
    await g.sent(await g.send(TO), 204);
  });
});

describe('ported numbers', () => {
  const operators = [{ id: 1, name: 'VIVO', prefixes: ['55119'] }, { id: 5, name: 'TIM' }, { id: 7, name: 'OI', delivery_reports: false }];

  scenario('carry their operator\'s id, name and reports, at once and after a restart', async w => {
    const { g } = await world(w, { operators });
    const table = file(g, 'table.csv', `numero,ate,operadora\n5511900000000,5511900000009,5\n${TO},,7\n`);
    const [before, other] = [await g.send(TO), await g.send(OTHER)];
    assert.deepEqual([(await g.delivered(before, 4)).carrierName, (await g.delivered(other, 4)).carrierName], ['VIVO', 'VIVO']);
    await fails(g, 65, /line 3: no number with country code/, 'portability', 'import', table);
    fs.writeFileSync(table, `number;operator\n${TO};7\n5521987654321;1\n`);
    assert.deepEqual(await g.json('portability', 'import', table), { read: 2, ranges: 2 });
    for (let life = 0; life < 2; life++) {
      const s = await g.sent(await g.send('+55 (11) 90000-0001'), 2);
      assert.deepEqual([s.carrierId, s.carrierName], [7, 'OI']);
      assert.equal((await g.sent(await g.send(OTHER), 2)).carrierId, 1);
      assert.deepEqual(await g.json('portability', 'show', '55 11 900000001'), { number: TO, ported: true, carrierId: 7, carrierName: 'OI' });
      await g.kill();
      await g.start();
    }
    const ranges = file(g, 'ranges.csv', `5511900000000,5511900000009,5\n${OTHER},1\n`);
    await g.command('portability', 'import', ranges);
    assert.deepEqual([await g.sent(await g.send(TO), 2), await g.sent(await g.send(OTHER), 2)].map(s => s.carrierName), ['TIM', 'VIVO']);
  });

  scenario('a bad file leaves the table that was there', async w => {
    const { g } = await world(w, { operators });
    await g.command('portability', 'import', file(g, 'good.csv', `${TO},5\n`));
    for (const [text, words] of [
      [`${TO},99\n`, /line 1: operator 99 is not in the configuration/],
      [`${OTHER},${TO},5\n`, /line 1: the range ends before it begins/],
      [`${TO}\n`, /line 1: not number,operator or first,last,operator/],
      [`${TO},TIM\n`, /line 1: the operator is not an id/],
      [`5511900000000,5511900000005,5\n5511900000003,5511900000009,7\n`, /lines 1 and 2 overlap/],
    ]) await fails(g, 65, words, 'portability', 'import', file(g, 'bad.csv', text));
    assert.equal((await g.sent(await g.send(TO), 2)).carrierName, 'TIM');
    assert.deepEqual(fs.readdirSync(g.data).filter(n => n.startsWith('portability')), ['portability']);
  });
});

describe('look-ups', () => {
  const operators = [{ id: 1, name: 'VIVO', prefixes: ['55119'] }, { id: 5, name: 'TIM' }, { id: 7, name: 'OI', prefixes: ['55319'], delivery_reports: false }];
  const ask = (g, destinations, more = {}) => g.request('POST', '/v1/carrier/lookup', { body: { destinations }, ...more });
  const told = r => { assert.equal(r.status, 200, r.text); return r.json.destinations.map(d => [d.destination, d.active, d.carrier.name, d.carrier.countryCode]); };

  scenario('tell operator and country by ported number, else prefix, in the order asked, as written', async w => {
    const { g, smsc } = await world(w, { operators });
    await g.command('portability', 'import', file(g, 'table.csv', `${TO},5\n`));
    const r = await ask(g, [TO, '+55 (11) 90000-0002', 5531987654321, '551187654321', '5521987654321', '351912345678', '2312312', 'SAIR', '', '551130001234', TO]);
    assert.deepEqual(told(r), [
      [TO, true, 'TIM', 'BR'], ['+55 (11) 90000-0002', true, 'VIVO', 'BR'], ['5531987654321', true, 'OI', 'BR'], ['551187654321', true, 'VIVO', 'BR'],
      ['5521987654321', true, 'UNKNOWN', 'BR'], ['351912345678', true, 'UNKNOWN', 'PT'],
      ['2312312', false, 'UNKNOWN', undefined], ['SAIR', false, 'UNKNOWN', undefined], ['', false, 'UNKNOWN', undefined], ['551130001234', false, 'UNKNOWN', undefined],
      [TO, true, 'TIM', 'BR']]);
    assert.deepEqual(Object.keys(r.json), ['id', 'destinations']);
    assert.deepEqual(Object.keys(r.json.destinations[0]), ['destination', 'active', 'carrier']);
    assert.deepEqual(r.json.destinations[6], { destination: '2312312', active: false, carrier: { name: 'UNKNOWN' } });
    assert.match(r.json.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual((await ask(g, [1])).json.id, r.json.id);
    // what may not be written to is still whose it is
    await g.command('block', 'add', OTHER);
    await g.command('opt-out', 'add', TO);
    assert.deepEqual(told(await ask(g, [OTHER, TO])), [[OTHER, true, 'VIVO', 'BR'], [TO, true, 'TIM', 'BR']]);
    assert.equal((await g.statuses([r.json.id])).size, 0);
    assert.equal(smsc.submits.length, 0);
  });

  scenario('take a thousand at once; what is wrong is named by its place', async w => {
    const g = await w.gateway({ operators });
    const numbers = Array.from({ length: 1000 }, (_, i) => `55119${String(10000000 + i)}`);
    assert.deepEqual(told(await ask(g, numbers)), numbers.map(n => [n, true, 'VIVO', 'BR']));
    for (const [destinations, field, rule] of [
      [[...numbers, TO], 'destinations', 'more than 1000 entries'], [[], 'destinations', 'empty'], [undefined, 'destinations', 'missing'],
      [null, 'destinations', 'missing'], [TO, 'destinations', 'must be an array'], [[TO, null], 'destinations[1]', 'must be a string or a whole number'],
      [[TO, OTHER, { destination: TO }], 'destinations[2]', 'must be a string or a whole number'], [['0'.repeat(65)], 'destinations[0]', 'longer than 64 characters'],
    ]) {
      const r = await ask(g, destinations);
      assert.deepEqual([r.status, r.json], [400, { errorCode: 400, errorMessage: `${field}: ${rule}` }]);
    }
    const two = (await ask(g, [true, TO, 1.5])).json;
    assert.deepEqual(two.errors.map(e => e.field), ['destinations[0]', 'destinations[2]']);
    assert.equal((await g.request('GET', '/v1/carrier/lookup')).status, 405);
    assert.equal((await ask(g, [TO], { user: {} })).status, 401);
    assert.equal((await g.request('POST', '/v1/carrier/lookup', { body: '{"destinations":[1]}', headers: { 'content-type': 'text/plain' } })).status, 415);
    for (const [role, status] of [['administrator', 200], ['platform', 403]]) {
      const { token } = await g.json('user', 'add', '--username', role, '--email', `${role}@example.com`, '--role', role);
      assert.equal((await ask(g, [TO], { user: { username: role, authenticationtoken: token } })).status, status);
    }
  });

  // One number after the other through every place that tells an operator.
  scenario('agree with statuses, webhooks, replies and time lines, by prefix and for ported numbers', async w => {
    const { g, r, smsc } = await world(w, { operators });
    await g.webhookOf({ url: r.url }, '--mo', `${r.url}/mo`);
    await g.command('short-code', 'assign', '27182', '--sub-account', 'default');
    await g.command('portability', 'import', file(g, 'table.csv', `${TO},5\n5531987654321,1\n`));
    const cases = [[TO, 5, 'TIM'], [OTHER, 1, 'VIVO'], ['5531987654321', 1, 'VIVO'], ['5531987654322', 7, 'OI'], ['5521987654321', 0, 'UNKNOWN'], ['12', 0, 'UNKNOWN']];
    for (const [to, id, name] of cases) {
      const message = await g.send(to), is = m => assert.deepEqual([m.carrierId, m.carrierName], [id, name], `${to}: ${JSON.stringify(m)}`);
      is(await g.sent(message, to === '12' ? 202 : 2));
      is((await g.request('GET', `/v1/sms-status?id=${message}`)).json);
      is((await until('the sent webhook', () => r.of(message, '/sent')[0])).json);
      assert.equal((await ask(g, [to])).json.destinations[0].carrier.name, name);
      assert.equal(JSON.parse((await g.command('message', 'show', message, '--json')).stdout).carrierId, id);
      if (to === '12') continue;
      if (name !== 'OI') is((await until('the delivered webhook', () => r.of(message, '/delivered')[0])).json);
      assert.equal(await smsc.deliver(null, { source_addr_ton: 1, source_addr_npi: 1, source_addr: to, dest_addr_ton: 3, destination_addr: '27182', short_message: 'Sim' }), 0);
      const mo = (await until('the MO webhook', () => r.calls.find(c => c.path === '/mo' && c.json.source === to))).json;
      is(mo);
      assert.equal(mo.mt?.id, message);
      is((await g.request('GET', '/v1/sms/receive/list')).json.messages.find(m => m.id === mo.id));
    }
    // one that answers nothing: the operator is the number's
    assert.equal(await smsc.deliver(null, { source_addr_ton: 1, source_addr_npi: 1, source_addr: '5531987650000', dest_addr_ton: 3, destination_addr: '27182', short_message: 'oi' }), 0);
    const found = await until('it in the list', async () => (await g.request('GET', '/v1/sms/receive/list')).json.messages[0]);
    assert.deepEqual([found.source, found.carrierId, found.carrierName, found.mt], ['5531987650000', 7, 'OI', undefined]);
  });
});
