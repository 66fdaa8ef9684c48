// The commands, beside a running server and without one, against the sandbox.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { POMBO, SECRET, run, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const TO = '5511900000001';
const pombo = (g, ...args) => run(POMBO, [...args, '--config', g.config]);
const status = async (g, user) => (await g.request('GET', '/v1/sms-status?id=01a203a8-1e50-7000-85cd-9b96ffc4afcf', { user })).status;

// A configuration and no server.
async function stopped(w, options = {}) {
  const g = await w.gateway({ start: false });
  g.configure(options);
  return g;
}

async function fails(g, code, words, ...args) {
  const r = await pombo(g, ...args);
  assert.equal(r.code, code, `pombo ${args.join(' ')}: ${r.stdout}${r.stderr}`);
  assert.match(r.stderr, words);
  return r;
}

describe('the first message', () => {
  scenario('goes through the sandbox, and its status and webhooks tell of it', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const receiver = await w.peer(Receiver.listen());
    const g = await w.gateway({ smsc: sandbox.url, webhook: receiver.url });
    const id = await g.send(TO, 'Olá, mundo', { correlationId: 'first', extraInfo: 'x' });
    const s = await g.delivered(id, 4);
    assert.equal(s.correlationId, 'first');
    assert.equal(s.carrierName, 'VIVO');
    await until('both webhooks', () => receiver.of(id, '/sent').length && receiver.of(id, '/delivered').length);
    assert.deepEqual(receiver.calls.map(c => c.path), ['/sent', '/delivered']);
    for (const c of receiver.calls) assert.deepEqual(new Webhook(SECRET).verify(c.body, c.headers), c.json);
    const [m] = await sandbox.messages();
    assert.deepEqual([m.number, m.text, m.status, m.shortCode], [TO, 'Olá, mundo', 'delivered', '27182']);

    await until('the webhooks in the time line', async () => (await g.timeline(id)).match(/webhook delivered answered 200/));
    const text = await g.timeline(id);
    assert.match(text, /^[0-9a-f-]{36} {2}4 DELIVERED_SUCCESS\n/);
    for (const words of [`to +${TO}`, 'text +Olá, mundo', 'correlation +first', 'accepted\n', 'attempt on main, 1 part', 'sent 2 SENT_SUCCESS, part 1 of 1, carrier\'s id',
      'delivered 4 DELIVERED_SUCCESS: receipt DELIVRD', 'webhook sent answered 200 after \\d+ ms']) assert.match(text, new RegExp(words));
    const json = await g.json('message', 'show', id);
    assert.equal(json.text, 'Olá, mundo');
    assert.deepEqual(json.timeline.map(e => e.event).sort(), ['attempt', 'delivered', 'sent', 'webhook done', 'webhook done']);
    assert.equal((await g.json('message', 'show', id, '--no-text')).text, undefined);
    assert.ok(!(await g.command('message', 'show', id, '--no-text')).stdout.includes('mundo'));
  });

  scenario('is sent by the command as by the API, and watched until it is final', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    const r = await g.command('send', '--username', 'tester', '--to', '+55 (11) 90000-9104', '--text', 'a'.repeat(200), '--source', '28149', '--flash', '--watch');
    const [id] = r.stdout.split('\n');
    assert.match(r.stdout, /sent 2 SENT_SUCCESS, part 2 of 2/);
    assert.match(r.stdout, /not delivered 104 NOT_DELIVERED: receipt UNDELIV/);
    const [m] = await sandbox.messages();
    assert.deepEqual([m.number, m.shortCode, m.flash, m.parts], ['5511900009104', '28149', true, 2]);
    assert.equal((await g.status(id, s => s.deliveredStatusCode)).deliveredStatusCode, 104);
    await fails(g, 65, /messageText/, 'send', '--username', 'tester', '--to', TO, '--text', '');
    await fails(g, 65, /messageText: longer/, 'send', '--username', 'tester', '--to', TO, '--text', 'a'.repeat(1281));
    await fails(g, 67, /no user nobody/, 'send', '--username', 'nobody', '--to', TO, '--text', 'a');
    await fails(g, 65, /--source/, 'send', '--username', 'tester', '--to', TO, '--text', 'a', '--source', 'x'.repeat(21));
    const bad = await g.json('send', '--username', 'tester', '--to', '12', '--text', 'a');
    assert.equal((await g.status(bad.id)).sentStatusCode, 202);
    await g.stop();
    await fails(g, 69, /no server is running/, 'send', '--username', 'tester', '--to', TO, '--text', 'a');
  });
});

describe('pombo bench', () => {
  scenario('sends what it says, and its ledger is what the gateway has', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    const ledger = path.join(g.dir, 'ledger');
    const header = Object.entries(g.user).flatMap(([k, v]) => ['--header', `${k}: ${v}`]);
    const bench = (...more) => run(POMBO, ['bench', '--port', new URL(g.url).port, ...header, '--connections', '4', '--ledger', ledger, ...more]);
    const r = await bench('--count', '60', '--seconds', '60');
    assert.equal(r.code, 0, r.stderr);
    const said = JSON.parse(r.stdout);
    const bulk = JSON.parse((await bench('--mode', 'bulk', '--bulk', '50', '--count', '100', '--seconds', '60', '--first', '910000000')).stdout);
    const lines = fs.readFileSync(ledger, 'utf8').trim().split('\n').map(l => l.split(' '));
    assert.ok(said.accepted >= 60 && bulk.accepted >= 100);
    assert.equal(lines.length, said.accepted + bulk.accepted);
    const statuses = await g.statuses(lines.map(([id]) => id));
    for (const [id, number] of lines) assert.ok(statuses.get(id)?.destination.endsWith(number), `${id} ${number}`);
    assert.match((await run(POMBO, ['bench', '--help'])).stdout, /--ledger FILE/);
    assert.equal((await run(POMBO, ['bench', '--nonsense'])).code, 64);
  });
});

describe('users', () => {
  scenario('a token works at once, and not a second longer than its user', async w => {
    const g = await w.gateway({ user: false });
    const made = await g.json('user', 'add', '--username', 'Maria da Silva', '--email', 'maria@example.com', '--role', 'regular');
    const u = { username: 'Maria da Silva', authenticationtoken: made.token };
    assert.equal(await status(g, u), 404);
    assert.equal(await status(g, { ...u, username: 'maria@example.com' }), 404);
    await fails(g, 73, /already/, 'user', 'add', '--username', 'Maria da Silva', '--email', 'other@example.com', '--role', 'regular');
    await fails(g, 64, /--role/, 'user', 'add', '--username', 'x', '--email', 'x@example.com', '--role', 'king');
    await fails(g, 65, /--email/, 'user', 'add', '--username', 'x', '--email', 'x', '--role', 'regular');
    await fails(g, 64, /--email MAIL is missing/, 'user', 'add', '--username', 'x', '--role', 'regular');
    await g.command('user', 'disable', 'Maria da Silva');
    assert.equal(await status(g, u), 401, 'dead as soon as the command has returned');
    await g.command('user', 'enable', 'Maria da Silva');
    assert.equal(await status(g, u), 404);
    await fails(g, 67, /no user nobody/, 'user', 'disable', 'nobody');
  });

  scenario('a new token replaces the old one, at once or after its grace', async w => {
    const g = await w.gateway();
    const first = g.user;
    const second = { ...first, authenticationtoken: (await g.json('user', 'token', 'tester', '--grace', '1h')).token };
    assert.deepEqual([await status(g, first), await status(g, second)], [404, 404]);
    const third = { ...first, authenticationtoken: /token: (\S+)/.exec((await g.command('user', 'token', 'tester')).stdout)[1] };
    assert.deepEqual([await status(g, first), await status(g, second), await status(g, third)], [401, 401, 404]);
    const short = { ...first, authenticationtoken: (await g.json('user', 'token', 'tester', '--grace', '500ms')).token };
    assert.deepEqual([await status(g, third), await status(g, short)], [404, 404]);
    await until('the end of the grace', async () => await status(g, third) === 401);
  });

  scenario('roles, accounts and sub-accounts are made when missing', async w => {
    const g = await w.gateway();
    await g.command('user', 'add', '--username', 'boss', '--email', 'boss@example.com', '--role', 'administrator', '--account', 'acme');
    await g.command('user', 'add', '--username', 'till', '--email', 'till@example.com', '--role', 'regular', '--account', 'acme', '--sub-account', 'shop');
    await fails(g, 64, /--sub-account/, 'user', 'add', '--username', 'x', '--email', 'x@example.com', '--role', 'administrator', '--sub-account', 'shop');
    const users = await g.json('user', 'list');
    const brief = name => { const u = users.find(x => x.username === name); return [u.role, u.account, u.subAccount]; };
    assert.deepEqual(brief('boss'), ['administrator', 'acme', undefined]);
    assert.deepEqual(brief('till'), ['regular', 'acme', 'shop']);
    assert.deepEqual((await g.json('account', 'list')).map(a => a.account).sort(), ['acme', 'default']);
    const subs = (await g.json('sub-account', 'list', '--account', 'acme')).map(s => s.subAccount).sort();
    assert.deepEqual(subs, ['default', 'shop']);
    await g.command('account', 'set', 'acme', '--country', 'br');
    assert.equal((await g.json('account', 'list')).find(a => a.account === 'acme').country, 'BR');
    await g.command('sub-account', 'set', 'shop', '--account', 'acme', '--class', 'marketing', '--in-doubt', 'resend');
    const shop = (await g.json('sub-account', 'list', '--account', 'acme')).find(s => s.subAccount === 'shop');
    assert.deepEqual([shop.class, shop.inDoubt], ['marketing', 'resend']);
    await fails(g, 66, /no sub-account shop/, 'sub-account', 'set', 'shop', '--class', 'marketing');
    await g.command('short-code', 'assign', '27182', '--sub-account', 'shop', '--account', 'acme');
    assert.deepEqual((await g.json('short-code', 'list')).map(s => [s.shortCode, s.subAccount]), [['27182', 'shop'], ['28149', null]]);
    await fails(g, 66, /not among sms.short_codes/, 'short-code', 'assign', '99999', '--sub-account', 'default');
    await g.command('user', 'set', 'tester', '--answer', 'object');
    const r = await g.request('POST', '/v1/send-sms', { body: { destination: TO, messageText: 'x' } });
    assert.match(r.json.id, /^[0-9a-f-]{36}$/);
  });

  scenario('an account that is disabled is dead as soon as the command has returned', async w => {
    const g = await w.gateway();
    const acme = await g.addUser('till', ['--account', 'acme']);
    assert.deepEqual([await status(g), await status(g, acme)], [404, 404]);
    await g.command('account', 'disable', 'acme');
    assert.deepEqual([await status(g), await status(g, acme)], [404, 401]);
    const r = await g.request('POST', '/v1/send-sms', { body: { destination: TO, messageText: 'x' }, user: acme });
    assert.deepEqual([r.status, r.json.errorCode], [401, 401]);
    assert.equal((await g.json('account', 'list')).find(a => a.account === 'acme').disabled, true);
    await g.command('account', 'enable', 'acme');
    assert.equal(await status(g, acme), 404);
    await fails(g, 66, /no account nobody/, 'account', 'disable', 'nobody');
  });

  scenario('an administrator names a sub-account by reference or id, or means the default one', async w => {
    const g = await w.gateway({ user: false });
    await g.command('account', 'add', 'acme', '--country', 'br', '--time-zone', 'America/Sao_Paulo');
    await g.command('sub-account', 'add', 'shop', '--account', 'acme', '--time-zone', '-03:00');
    const add = async (name, ...more) => ({ username: name, authenticationtoken: (await g.json('user', 'add', '--username', name, '--email', `${name}@example.com`, '--account', 'acme', ...more)).token });
    const boss = await add('boss', '--role', 'administrator'), till = await add('till', '--role', 'regular', '--sub-account', 'shop');
    const keeper = await add('keeper', '--role', 'platform');
    const subs = await g.json('sub-account', 'list', '--account', 'acme');
    const shop = subs.find(s => s.subAccount === 'shop');
    const send = (user, more = {}) => g.request('POST', '/v1/send-sms', { body: { destination: TO, messageText: 'x', ...more }, user });
    const seen = async (user, id, more = {}) => (await g.request('POST', '/v1/sms/status/search', { body: { ids: [id], ...more }, user })).json.total;
    const where = async id => (await g.json('message', 'show', id)).subAccount;
    const plain = (await send(boss)).json[0].id, named = (await send(boss, { subAccount: 'shop' })).json[0].id;
    const byId = (await send(boss, { subAccount: shop.id })).json[0].id, own = (await send(till)).json[0].id;
    assert.deepEqual([await where(plain), await where(named), await where(byId), await where(own)], ['default', 'shop', 'shop', 'shop']);
    assert.deepEqual([await seen(till, plain), await seen(till, named), await seen(boss, own), await seen(boss, plain)], [0, 1, 1, 1]);
    assert.deepEqual([await seen(boss, plain, { subAccount: 'shop' }), await seen(boss, named, { subAccount: shop.id })], [0, 1]);
    for (const [user, more, code, message] of [
      [till, { subAccount: 'shop' }, 403, 'subAccount: only administrators may choose a sub-account'],
      [boss, { subAccount: 'nowhere' }, 400, 'subAccount: unknown'], [keeper, {}, 403, /platform/]]) {
      const r = await send(user, more);
      assert.equal(r.status, code);
      assert.match(r.json.errorMessage, new RegExp(message));
    }
    await g.command('account', 'set', 'acme', '--default-sub-account', 'shop');
    assert.equal(await where((await send(boss)).json[0].id), 'shop');
    await fails(g, 66, /no sub-account nowhere/, 'account', 'set', 'acme', '--default-sub-account', 'nowhere');
    const acme = (await g.json('account', 'list')).find(a => a.account === 'acme');
    assert.deepEqual([acme.country, acme.timeZone, acme.defaultSubAccount, shop.timeZone], ['BR', 'America/Sao_Paulo', 'shop', '-03:00']);
  });

  scenario('each sub-account has a system user, whose token is made when asked for', async w => {
    const g = await w.gateway({ user: false });
    await g.command('sub-account', 'add', 'shop');
    const system = (await g.json('user', 'list')).find(u => u.system && u.subAccount === 'shop');
    assert.deepEqual([system.role, system.email], ['regular', '']);
    assert.equal(await status(g, { username: system.username, authenticationtoken: 'x' }), 401);
    const { token } = await g.json('user', 'rotate', system.username);
    assert.equal(await status(g, { username: system.username, authenticationtoken: token }), 404);
  });

  scenario('time zones are kept, and one that does not exist is refused', async w => {
    const g = await w.gateway();
    const zone = async () => (await g.json('user', 'list')).find(u => u.username === 'tester').timeZone;
    assert.equal(await zone(), null);
    for (const z of ['America/Sao_Paulo', '+05:30', '-0100', 'UTC']) {
      await g.command('user', 'set', 'tester', '--time-zone', z);
      assert.equal(await zone(), z);
    }
    await g.command('user', 'set', 'tester', '--time-zone', 'none');
    assert.equal(await zone(), null);
    for (const z of ['Mars/Base', '../etc/passwd', '/etc/passwd', '+19:00', '+1:00', '-01:60', '']) await fails(g, 65, /--time-zone/, 'user', 'set', 'tester', '--time-zone', z);
    await fails(g, 65, /--time-zone/, 'sub-account', 'set', 'default', '--time-zone', 'Nowhere');
    await fails(g, 65, /--time-zone/, 'account', 'set', 'default', '--time-zone', 'Nowhere');
    await fails(g, 64, /nothing to set/, 'user', 'set', 'tester');
  });

  scenario('are made without a server as well, and are there when it starts', async w => {
    const g = await stopped(w);
    await g.addUser();
    assert.deepEqual((await g.json('user', 'list')).filter(u => !u.system).map(u => u.username), ['tester']);
    assert.equal(fs.statSync(g.data).mode & 0o777, 0o700);
    await g.start();
    assert.equal(await status(g), 404);
  });
});

describe('messages', () => {
  scenario('are found by what is known of them', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    const ids = [await g.send(TO, 'a', { correlationId: 'same' }), await g.send('5511900009104', 'b', { correlationId: 'same' }), await g.send('5511900009103', 'c')];
    await g.delivered(ids[0], 4);
    await g.delivered(ids[1], 104);
    await g.sent(ids[2], 103);
    const find = async (...args) => (await g.json('message', 'search', ...args)).map(m => m.id);
    assert.deepEqual(await find(), [...ids].reverse());
    assert.deepEqual(await find('--limit', '1'), [ids[2]]);
    assert.deepEqual(await find('--number', '+55 11 90000-9104'), [ids[1]]);
    assert.deepEqual(await find('--number', '1190000'), []);
    assert.deepEqual(await find('--correlation-id', 'same'), [ids[1], ids[0]]);
    assert.deepEqual(await find('--correlation-id', 'same', '--status', '4'), [ids[0]]);
    assert.deepEqual(await find('--status', '103'), [ids[2]]);
    assert.deepEqual(await find('--since', '1h', '--account', 'default'), [...ids].reverse());
    assert.deepEqual(await find('--until', '2001-01-01T00:00:00Z'), []);
    assert.deepEqual(await find('--since', '2999-01-01T00:00:00'), []);
    await fails(g, 64, /--since/, 'message', 'search', '--since', 'yesterday');
    await fails(g, 66, /no message/, 'message', 'show', '01a203a8-1e50-7000-85cd-9b96ffc4afcf');
    await fails(g, 65, /not an id/, 'message', 'show', 'x');
    await g.stop();
    assert.deepEqual(await find('--correlation-id', 'same'), [ids[1], ids[0]], 'without a server too');
    const text = await g.timeline(ids[2]);
    assert.match(text, /ended 103 REJECTED_BY_CARRIER: carrier_status \(.*\), carrier status 0x45/);
  });

  scenario('outlive the process that took them', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const receiver = await w.peer(Receiver.listen());
    const g = await w.gateway({ smsc: sandbox.url, webhook: receiver.url });
    const done = await g.send(TO, 'done', { correlationId: 'kept' });
    await g.delivered(done, 4);
    const before = await until('the whole time line', async () => { const t = await g.json('message', 'show', done); return t.timeline.length === 5 && t; });
    await g.kill();
    await g.start();
    assert.deepEqual(await g.json('message', 'show', done), before);
    assert.deepEqual((await g.json('message', 'search', '--correlation-id', 'kept')).map(m => m.id), [done]);
    await g.delivered(await g.send(TO, 'after'), 4);
    assert.equal(receiver.of(done, '/sent').length, 1);
  });
});

describe('webhooks', () => {
  scenario('a secret is made and shown once, and can be changed', async w => {
    const g = await w.gateway();
    const receiver = await w.peer(Receiver.listen());
    const made = await g.json('webhook', 'set', '--username', 'tester', '--sent', `${receiver.url}/sent`);
    assert.match(made.secret, /^whsec_/);
    assert.equal((await g.json('webhook', 'set', '--username', 'tester', '--delivered', `${receiver.url}/delivered`)).secret, undefined);
    const [hook] = await g.json('webhook', 'list');
    assert.deepEqual([hook.username, hook.sent, hook.delivered], ['tester', `${receiver.url}/sent`, `${receiver.url}/delivered`]);
    assert.ok(!JSON.stringify(hook).includes('whsec'));
    assert.deepEqual(await g.json('webhook', 'test', '--username', 'tester').then(r => [r.ok, r.status]), [true, 200]);
    await g.command('webhook', 'set', '--username', 'tester', '--secret', SECRET);
    await g.command('webhook', 'test', '--username', 'tester', '--kind', 'delivered');
    const [first, second] = receiver.calls;
    new Webhook(made.secret).verify(first.body, first.headers);
    assert.equal(second.json.deliveredStatusCode, 4);
    new Webhook(made.secret).verify(second.body, second.headers);
    new Webhook(SECRET).verify(second.body, second.headers);
    await fails(g, 65, /--secret/, 'webhook', 'set', '--username', 'tester', '--secret', 'short');
    await fails(g, 65, /--sent: neither http/, 'webhook', 'set', '--username', 'tester', '--sent', 'ftp://example.com/');
    await fails(g, 65, /--sent/, 'webhook', 'set', '--username', 'tester', '--sent', 'http://a b/');
    await fails(g, 65, /--basic/, 'webhook', 'set', '--username', 'tester', '--sent', 'http://u:p@example.com/');
    await fails(g, 64, /either/, 'webhook', 'set', '--sent', 'http://example.com/');
    await fails(g, 64, /either/, 'webhook', 'set', '--username', 'tester', '--sub-account', 'default', '--sent', 'http://example.com/');
    await g.command('webhook', 'set', '--username', 'tester', '--sent', 'http://10.0.0.1/x');
    const r = await pombo(g, 'webhook', 'test', '--username', 'tester');
    assert.equal(r.code, 69);
    assert.match(r.stdout, /private address 10\.0\.0\.1 is not allowed/);
    await g.command('webhook', 'set', '--username', 'tester', '--sent', 'none');
    await fails(g, 66, /no URL/, 'webhook', 'test', '--username', 'tester');
  });

  scenario('calls that were given up are listed and made again', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const receiver = await w.peer(Receiver.listen());
    receiver.onCall = c => c.answer(410);
    const g = await w.gateway({ smsc: sandbox.url, webhook: receiver.url });
    const ids = [await g.send(TO), await g.send(TO)];
    const dead = await until('four dead calls', async () => { const d = await g.json('webhook', 'dead'); return d.length === 4 && d; });
    assert.deepEqual([...new Set(dead.map(d => d.id))].sort(), [...ids].sort());
    assert.equal(dead[0].status, 410);
    assert.match(await g.timeline(ids[0]), /webhook sent given up: HTTP 410/);
    receiver.onCall = undefined;
    receiver.calls = [];
    await g.command('webhook', 'replay', ids[0], '--kind', 'sent');
    await until('the call', () => receiver.of(ids[0], '/sent').length === 1);
    assert.deepEqual(await g.json('webhook', 'replay', '--all'), { replayed: 3 });
    await until('the rest', () => receiver.of(ids[0], '/delivered').length && receiver.of(ids[1], '/sent').length && receiver.of(ids[1], '/delivered').length);
    assert.deepEqual(await g.json('webhook', 'dead'), []);
    await fails(g, 66, /given up/, 'webhook', 'replay', ids[0]);
  });
});

describe('the store', () => {
  scenario('is copied while it runs, and the copy is put elsewhere', async w => {
    const sandbox = await w.peer(Sandbox.start());
    const g = await w.gateway({ smsc: sandbox.url });
    const id = await g.send(TO, 'kept');
    await g.delivered(id, 4);
    const copy = path.join(g.dir, 'copy');
    await g.command('store', 'backup', copy);
    await fails(g, 73, /exists/, 'store', 'backup', copy);
    await fails(g, 69, /stop the server/, 'store', 'restore', copy);
    assert.match((await g.command('store', 'check')).stdout, /ok\n$/);
    const later = await g.send(TO, 'after the copy');
    const other = await stopped(w, { smsc: sandbox.url });
    await other.command('store', 'restore', copy);
    await fails(other, 73, /not empty/, 'store', 'restore', copy);
    await g.stop(); // two gateways of one account at the carrier would get each other's receipts
    await other.start();
    other.user = g.user;
    assert.equal((await other.delivered(id, 4)).id, id);
    assert.equal((await other.statuses([later])).size, 0);
    await other.delivered(await other.send(TO, 'goes on'), 4);
    await other.stop();
    assert.equal((await other.json('store', 'check')).sound, true);
  });
});

describe('the control socket', () => {
  scenario('is for its owner only, and bad requests do not hurt it', async w => {
    const g = await w.gateway();
    const socket = path.join(g.data, 'control.sock');
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    const ask = text => new Promise((resolve, reject) => {
      let out = '';
      const s = net.connect(socket, () => s.write(text));
      s.on('data', c => { out += c; }).on('end', () => resolve(out)).on('error', reject);
    });
    assert.match(await ask('nonsense\n'), /"exit":76/);
    assert.match(await ask('{"argv":5}\n'), /"exit":76/);
    assert.match(await ask('{"argv":[]}\n'), /"exit":64/);
    assert.match(await ask('{"argv":["serve"]}\n'), /"exit":64/);
    assert.match(await ask('{"argv":["user","list","--nonsense"]}\n'), /no such option.*\n.*"exit":64/);
    assert.match(await ask(`{"argv":["user","disable","${'x'.repeat(100000)}"]}\n`), /"exit":67/);
    // The place of the last question may be given back a moment later, so what was turned away dials again.
    const idle = [];
    const dial = () => { while (idle.filter(s => !s.destroyed).length < 8) idle.push(net.connect(socket).on('error', () => {}).resume()); };
    await until('the refusal of a ninth', async () => { dial(); return /too many/.test((await pombo(g, 'user', 'list')).stderr); });
    idle.forEach(s => s.destroy());
    await until('room again', async () => (await pombo(g, 'user', 'list')).code === 0);
    await g.stop();
    assert.ok(!fs.existsSync(socket));
  });

  scenario('a dead server leaves nothing that is in the way', async w => {
    const g = await w.gateway();
    await g.kill();
    assert.ok(fs.existsSync(path.join(g.data, 'control.sock')));
    assert.ok((await g.json('user', 'list')).length);
    await g.start();
    assert.ok((await g.json('user', 'list')).length);
    await fails(g, 69, /another pombo is working on it/, 'serve');
  });
});

describe('what is not there yet', () => {
  scenario('is refused by name, never ignored', async w => {
    const g = await w.gateway();
    for (const args of [['user', 'password', 'tester'], ['store', 'move']]) {
      await fails(g, 69, /not supported yet/, ...args);
    }
    await fails(g, 64, /no such option/, 'user', 'list', '--nonsense');
    await fails(g, 64, /no command/, 'nonsense');
    await fails(g, 64, /needs one of/, 'user');
  });

  scenario('help and man pages tell of every command', async () => {
    const help = (await run(POMBO, ['--help'])).stdout;
    for (const name of ['serve', 'user add', 'message show', 'store backup', 'sandbox']) assert.match(help, new RegExp(`^ {2}${name} `, 'm'));
    assert.match((await run(POMBO, ['--version'])).stdout, /^pombo \d+\.\d+\.\d+\n$/);
    assert.match((await run(POMBO, ['user', 'add', '--help'])).stdout, /--username NAME/);
    const groups = (await run(POMBO, ['help', '--man', 'groups'])).stdout.trim().split('\n');
    assert.ok(groups.includes('user') && groups.includes('template') && !groups.includes('nonsense'));
    for (const g of groups) assert.match((await run(POMBO, ['help', '--man', g])).stdout, /^\.TH POMBO/);
    assert.equal((await run(POMBO, [])).code, 64);
  });
});
