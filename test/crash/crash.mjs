// crash.mjs - the gateway is killed at random moments while requests, submits, receipts and webhook calls are under way. One process
// plays customer, carrier (npm smpp) and webhook receiver and keeps the ledger of what each of them was promised:
//   every 200 answered is in the store and ends in a final state            (nothing accepted is lost)
//   no part of a message is submitted twice                                 (in doubt ends, the configuration says so)
//   every receipt that was acknowledged to the carrier is in a state        (or late, for what ended in doubt)
//   every final state was told to the webhook, sent before delivered
//   every MO is in the store once, whole, and was told to its webhook         (long ones come in parts, shuffled, over any link)
//   nothing leaves before its time, out of its hours or after its expiry; what was cancelled stays cancelled   (times.mjs)
//   the credit adds up to the unit: bought is left and charged, each message charged once, at its price, and nothing stays reserved
import { spawn, execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createTimes } from './times.mjs';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const smpp = require('smpp');
const KILLS = Number(process.argv[2] ?? 20), SEED = Number(process.argv[3] ?? 1), POMBO = process.env.POMBO;
let rngState = BigInt(SEED) * 2654435761n + 1n;
const random = () => { // xorshift64: the moments of death are repeatable in order, if not in effect
  rngState ^= (rngState << 13n) & 0xffffffffffffffffn; rngState ^= rngState >> 7n; rngState ^= (rngState << 17n) & 0xffffffffffffffffn;
  return Number(rngState % 1000000n) / 1e6;
};
const sleep = ms => new Promise(r => setTimeout(r, ms));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pombo-crash-'));
const config = path.join(dir, 'pombo.yaml');
const times = createTimes({ dir, random, turnsIn: Math.min(10000, KILLS * 500) });

// -- what is sent -----------------------------------------------------------------------------------------------------------
// A number says what it is sent and what that costs; times.mjs, when it may leave.
const AREAS = { 11: 2, 21: 3, 31: 1 }; // units a part; 1 is the price without an entry
const isLong = to => to.endsWith('3') || to.endsWith('7');
const partsOf = to => (isLong(to) ? 2 : 1), unitsOf = to => AREAS[to.slice(2, 4)] * partsOf(to);
let counter = 0;
function message(when = times.some) {
  counter++;
  const to = `55${Object.keys(AREAS)[counter % 3]}9${String(80000000 + counter)}`;
  return { destination: to, messageText: isLong(to) ? 'crash test '.repeat(20) : 'crash test', ...when(to) };
}

// -- the carrier ------------------------------------------------------------------------------------------------------------
const carrier = { away: false, submits: new Map(), reached: new Map(), acked: new Map(), owed: [], sessions: new Set(), next: 1 };
const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
function giveReceipts(session) {
  for (const r of carrier.owed) {
    if (r.session?.alive) continue; // under way on a living link
    r.session = session;
    session.deliver_sm({ esm_class: 4, source_addr_ton: 1, source_addr_npi: 1, source_addr: r.to, dest_addr_ton: 5, destination_addr: r.from,
      short_message: `id:${r.id} sub:001 dlvrd:001 submit date:2611220000 done date:2611220000 stat:DELIVRD err:000 text:` }, answer => {
      if (answer.command_status !== 0) { r.session = null; return; }
      count(carrier.acked, r.to);
      carrier.owed = carrier.owed.filter(x => x !== r);
    });
  }
}
const smsc = smpp.createServer({}, session => {
  session.on('error', () => {});
  if (carrier.away) { session.destroy(); return; }
  session.alive = true;
  session.setMaxListeners(0);
  session.on('close', () => { session.alive = false; carrier.sessions.delete(session); });
  session.on('bind_transceiver', pdu => { session.upSince = Date.now(); session.send(pdu.response({ system_id: 'crash' })); carrier.sessions.add(session); giveReceipts(session); });
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', pdu => {
    const id = (carrier.next++).toString(16).padStart(8, '0'), to = pdu.destination_addr;
    count(carrier.submits, `${to}/${pdu.short_message.udh?.at(-1)?.at(-1) ?? 1}`);
    count(carrier.reached, to);
    times.arrived(to, session.upSince);
    setTimeout(() => { if (session.alive) session.send(pdu.response({ message_id: id })); }, Math.random() * 20);
    setTimeout(() => { carrier.owed.push({ id, to, from: pdu.source_addr, session: null });
      for (const s of carrier.sessions) { if (s.alive) { giveReceipts(s); break; } } }, 10 + Math.random() * 60);
  });
});
// Links go, and none comes for so long.
function goAway(ms) {
  carrier.away = true;
  for (const s of carrier.sessions) s.destroy();
  setTimeout(() => { carrier.away = false; }, ms);
}
const smscPort = await new Promise(r => smsc.listen(0, '127.0.0.1', function () { r((this.address?.() ?? smsc.address()).port); }));

// -- handsets ---------------------------------------------------------------------------------------------------------------
// A carrier gives an MO until it is acknowledged, on whatever link there is.
const mos = new Map(); // text -> { acked: parts }
let handsets = true;
function deliver(pdu) {
  const session = [...carrier.sessions].filter(s => s.alive).sort(() => Math.random() - 0.5)[0];
  if (!session) return Promise.resolve(false);
  return new Promise(resolve => {
    const lost = () => resolve(false);
    session.once('close', lost);
    session.deliver_sm(pdu, answer => { session.removeListener('close', lost); resolve(answer.command_status === 0); });
  });
}
async function handset(me) {
  for (let i = 0; handsets; i++) {
    // a number of its own for each: nobody repeats himself, and references of parts do not meet
    const n = 100 * i + me, from = `55419${String(80000000 + n)}`, total = i % 3 === 2 ? 3 : 1;
    const texts = Array.from({ length: total }, (_, k) => `mo ${n} part ${k + 1} of ${total} ${'abcdefghij'.repeat(total > 1 ? 12 : 2)}`), mo = { acked: 0, total };
    mos.set(texts.join(''), mo);
    await Promise.all(texts.map((text, k) => ({ k, text })).sort(() => Math.random() - 0.5).map(async ({ k, text }) => {
      const head = total > 1 ? Buffer.from([5, 0, 3, n % 256, total, k + 1]) : Buffer.alloc(0);
      await sleep(Math.random() * 200); // parts take their time, and a kill may come between
      while (!await deliver({ esm_class: total > 1 ? 0x40 : 0, source_addr_ton: 1, source_addr_npi: 1, source_addr: from, dest_addr_ton: 3, dest_addr_npi: 0,
        destination_addr: '27182', data_coding: 0, short_message: Buffer.concat([head, Buffer.from(text, 'latin1')]) })) await sleep(20);
      mo.acked++;
    }));
    await sleep(30);
  }
}

// -- the webhook receiver ---------------------------------------------------------------------------------------------------
const hooks = new Map(); // id -> [{ kind, code }] in order of arrival
const moHooks = new Map(); // id -> text
let hookCalls = 0;
const receiver = http.createServer((req, res) => {
  let body = '';
  req.on('data', c => { body += c; });
  req.on('end', () => {
    hookCalls++;
    if (Math.random() < 0.05) { res.writeHead(500).end(); return; }
    const m = JSON.parse(body), kind = req.url.slice(1);
    if (kind === 'mo') { moHooks.set(m.id, m.messageText); res.writeHead(200).end(); return; }
    if (!hooks.has(m.id)) hooks.set(m.id, []);
    hooks.get(m.id).push({ kind, code: kind === 'sent' ? m.sentStatusCode : m.deliveredStatusCode });
    res.writeHead(200).end();
  });
});
const hookPort = await new Promise(r => receiver.listen(0, '127.0.0.1', () => r(receiver.address().port)));

// -- the gateway ------------------------------------------------------------------------------------------------------------
let listen = '127.0.0.1:0', gateway = null, starts = 0;
const log = fs.openSync(path.join(dir, 'gateway.log'), 'a');
function writeConfig() {
  fs.writeFileSync(config, `data: ${dir}/data
http:
  - {listen: "${listen}"}
limits: {requests_per_second: 0, status_queries_per_second: 0}
sms:
  connections:
    - {name: main, smpp: ["smpp://127.0.0.1:${smscPort}"], system_id: pombo, password: secret, binds: 2, window: 50,
       timers: {bind: 2s, response: 3s, reconnect: 100ms, reconnect_max: 500ms}}
  in_doubt: {wait: 2s, then: end}
  routes:
    - {prefix: "", connections: [main]}
credit: {prices: [{prefix: "5511", units: 2}, {prefix: "5521", units: 3}]}
webhooks: {allow: [127.0.0.0/8], retry_first: 200ms, retry_max: 1s}
`, { mode: 0o600 });
}
async function start() {
  writeConfig();
  starts++;
  gateway = spawn(POMBO, ['serve', '--config', config], { stdio: ['ignore', 'pipe', log], env: { ...process.env, TZDIR: times.folder } });
  const child = gateway;
  child.gone = new Promise(r => child.on('exit', (code, signal) => r({ code, signal })));
  let out = '';
  await new Promise((resolve, reject) => {
    child.stdout.on('data', c => { out += c; if (/^ready .*\n/m.test(out)) resolve(); });
    child.gone.then(x => reject(new Error(`the gateway ended before it was ready: ${JSON.stringify(x)}; log in ${dir}`)));
  });
  listen = /http:\/\/(127\.0\.0\.1:\d+)/.exec(out)[1];
}
process.on('exit', () => gateway?.kill('SIGKILL')); // a fault of this script leaves nothing behind
const pombo = (...args) => execFileSync(POMBO, [...args, '--config', config], { encoding: 'utf8', maxBuffer: 1 << 30 });

// -- the customer -----------------------------------------------------------------------------------------------------------
const accepted = new Map(); // id -> destination
let loading = true, refused = 0;
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
let token;
function request(method, url, body) {
  return new Promise((resolve, reject) => {
    const req = http.request(`http://${listen}${url}`, { method, agent, timeout: 10000,
      headers: { username: 'crash', authenticationtoken: token, ...(body ? { 'content-type': 'application/json' } : {}) } }, res => {
      let text = '';
      res.on('data', c => { text += c; });
      res.on('end', () => (res.complete ? resolve({ status: res.statusCode, text }) : reject(new Error('cut'))));
      res.on('error', reject);
    });
    req.on('timeout', () => req.destroy(new Error('timeout')));
    req.on('error', reject);
    req.end(body);
  });
}
// The answer's ids; null: none came.
async function send(bulk, { messages, ...root }) {
  const begun = Date.now();
  try {
    const r = bulk ? await request('POST', '/v1/send-bulk-sms', JSON.stringify({ messages, ...root }))
      : await request('POST', '/v1/send-sms', JSON.stringify(messages[0]));
    if (r.status !== 200) { refused++; return null; }
    const answer = JSON.parse(r.text), ids = (bulk ? answer.messages : answer).map(m => m.id);
    ids.forEach((id, i) => { accepted.set(id, messages[i].destination); times.accepted(id, messages[i].destination, begun); });
    return { batch: answer.id, ids };
  } catch { return null; }
}
async function customer(bulk) {
  for (let i = 0; loading; i++) {
    if (bulk && i % 4 === 2) await times.batch(n => ({ messages: Array.from({ length: n }, () => message(times.withdrawn)) }), send);
    else if (bulk && i % 4 === 3) await times.wave((n, when) => Array.from({ length: n }, () => message(when)), send);
    else if (!await send(bulk, { messages: Array.from({ length: bulk ? 20 : 1 }, () => message()) })) await sleep(20);
    await sleep(bulk ? 60 : 15);
  }
}

async function metric(name) {
  const r = await request('GET', '/metrics');
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(r.text)?.[1] ?? NaN);
}
async function settled(limitMs) {
  const until = Date.now() + limitMs;
  let quiet = 0;
  while (Date.now() < until) {
    const open = await metric('pombo_queued') + await metric('pombo_in_doubt') + await metric('pombo_webhooks_pending') + carrier.owed.length;
    quiet = open === 0 ? quiet + 1 : 0;
    if (quiet >= 5) return true;
    await sleep(200);
  }
  return false;
}
// All MOs of the store, page by page.
async function received() {
  const found = new Map();
  for (let start = ''; ;) {
    const page = JSON.parse((await request('GET', `/v1/sms/receive/search?start=${start}`)).text).messages;
    for (const m of page) found.set(m.id, m.messageText);
    if (page.length < 1000) return found;
    start = page.at(-1).receivedAt;
  }
}
async function statuses(ids) {
  const found = new Map();
  for (let i = 0; i < ids.length; i += 1000) {
    const r = await request('POST', '/v1/sms/status/search', JSON.stringify({ ids: ids.slice(i, i + 1000) }));
    for (const s of JSON.parse(r.text).smsStatuses) found.set(s.id, s);
  }
  return found;
}

// A UUID's integer in the store: 48 bits of milliseconds and 15 that count (src/base/uuid.h).
function keyOf(id) {
  const h = BigInt(`0x${id.replaceAll('-', '')}`);
  return String((h >> 80n) << 15n | (h >> 64n & 0xfffn) << 3n | (h >> 59n & 7n));
}

let n = 0, failed = 0;
function check(ok, what, details = '') {
  console.log(`${ok ? 'ok' : 'not ok'} ${++n} - ${what}${ok || !details ? '' : `\n# ${details}`}`);
  if (!ok) failed++;
}

await start();
token = /token: (\S+)/.exec(pombo('user', 'add', '--username', 'crash', '--email', 'crash@example.com', '--role', 'regular'))[1];
pombo('webhook', 'set', '--username', 'crash', '--sent', `http://127.0.0.1:${hookPort}/sent`, '--delivered', `http://127.0.0.1:${hookPort}/delivered`);
pombo('webhook', 'set', '--sub-account', 'default', '--mo', `http://127.0.0.1:${hookPort}/mo`);
const OWNERS = [{ name: 'account', args: [], bought: 1000000 }, { name: 'sub-account', args: ['--sub-account', 'default'], bought: 2000000 }];
for (const o of OWNERS) pombo('credit', 'set', ...o.args, '--amount', String(o.bought));
const replying = Promise.all([...Array(8).keys()].map(handset));
const customers = [...Array(8)].map(() => customer(false)).concat([customer(true), customer(true)]);
const withdrawing = times.withdraw(request);
let earlyEnds = 0, outages = 0;
for (let kill = 0; kill < KILLS; kill++) {
  if (kill % 5 === 2) { goAway(1500); outages++; }
  await sleep(150 + random() * 1200);
  // Every now and then the process is away for longer than some messages live.
  const asleep = kill % 7 === 3 % KILLS ? await times.asleep(when => message(when), send) : null;
  gateway.kill('SIGKILL');
  const end = await gateway.gone;
  if (end.signal !== 'SIGKILL') earlyEnds++;
  if (asleep) await asleep(sleep);
  await start();
  const o = OWNERS[kill % 2];
  pombo('credit', 'add', ...o.args, '--amount', '7');
  o.bought += 7;
}
await sleep(500);
loading = handsets = false;
await Promise.all([...customers, replying]);
times.noMore();
await withdrawing;
check(earlyEnds === 0, 'the gateway never ended by itself', `${earlyEnds} times`);
check(await settled(90000), 'everything settles after the last start',
  `queued ${await metric('pombo_queued')} in doubt ${await metric('pombo_in_doubt')} webhooks ${await metric('pombo_webhooks_pending')} receipts owed ${carrier.owed.length}`);

const ids = [...accepted.keys()], found = await statuses(ids);
const show = a => `${a.length}: ${a.slice(0, 5).join(' ')} (log and data in ${dir}, seed ${SEED})`;
const some = (what, list) => check(list.length === 0, what, show(list));
check(ids.length > 100, `${ids.length} messages were accepted over ${KILLS} kills`, `only ${ids.length}`);
some('every message that was answered 200 is in the store', ids.filter(id => !found.has(id)));
some('every one ended in a sent code', ids.filter(id => found.has(id) && !found.get(id).sentStatusCode));
some('no part was submitted twice', [...carrier.submits].filter(([, k]) => k > 1).map(([to]) => to));
some('every code is 2, 102 for what was in doubt, or 101 where there was an end to wait for', ids.filter(id => {
  const code = found.get(id)?.sentStatusCode;
  return code !== 2 && code !== 102 && !(code === 101 && times.mayEnd(accepted.get(id)));
}));
const doubt = ids.filter(id => found.get(id)?.sentStatusCode === 102);
check(doubt.length <= (KILLS + outages) * 100, `at most the windows' content ended in doubt (${doubt.length})`, show(doubt));
some('what never reached the carrier is not called sent', ids.filter(id => found.get(id)?.sentStatusCode === 2 && carrier.reached.get(accepted.get(id)) !== partsOf(accepted.get(id))));
some('every receipt acknowledged to the carrier is a state', ids.filter(id => found.get(id)?.sentStatusCode === 2 && carrier.acked.get(accepted.get(id)) === partsOf(accepted.get(id)) && found.get(id).deliveredStatusCode !== 4));
some('every sent code was told to the webhook', ids.filter(id => found.get(id)?.sentStatusCode && !hooks.get(id)?.some(h => h.kind === 'sent' && h.code === found.get(id).sentStatusCode)));
some('every delivery was told to the webhook', ids.filter(id => found.get(id)?.deliveredStatusCode && !hooks.get(id)?.some(h => h.kind === 'delivered' && h.code === found.get(id).deliveredStatusCode)));
some('sent was told before delivered', [...hooks].filter(([, calls]) => { const d = calls.findIndex(h => h.kind === 'delivered'); return d >= 0 && !calls.slice(0, d).some(h => h.kind === 'sent'); }).map(([id]) => id));
// Messages whose 200 died with the process count as well: all that the store has are asked for.
const stored = JSON.parse(pombo('message', 'search', '--limit', '1000000', '--json'));
await times.judge({ check, some, found, stored, campaigns: JSON.parse(pombo('campaign', 'list', '--json')), reached: carrier.reached, request });
const paid = new Map(stored.filter(m => m.sentStatusCode === 2).map(m => [keyOf(m.id), unitsOf(m.destination)]));
for (const o of OWNERS) {
  const now = JSON.parse(pombo('credit', 'show', ...o.args, '--json'));
  // Keys of messages are beyond what a number holds exactly.
  const rows = JSON.parse(pombo('credit', 'ledger', ...o.args, '--limit', '1000000', '--json').replace(/"key":(\d+)/g, '"key":"$1"')).reverse();
  const charged = [...paid.values()].reduce((a, b) => a + b, 0), of = new Map();
  let balance = 0, reserved = 0, broken = 0;
  for (const r of rows) {
    balance += r.balanceBy;
    reserved += r.reservedBy;
    if (balance !== r.balance || reserved !== r.reserved) broken++;
    if (!of.has(r.key)) of.set(r.key, { reserve: 0, settle: 0, refund: 0, charged: 0, held: 0 });
    const m = of.get(r.key);
    if (r.key !== '0') { m[r.kind]++; m.charged -= r.balanceBy; m.held += r.reservedBy; }
  }
  check(broken === 0 && balance === now.balance && reserved === now.reserved, `the ${o.name}'s ledger leads row by row to its balance (${rows.length} rows)`, `${broken} rows off, ${balance} ${reserved} ${JSON.stringify(now)}`);
  check(now.balance === o.bought - charged && now.reserved === 0, `the ${o.name}'s balance is what was bought less ${charged} for ${paid.size} messages`, `bought ${o.bought} ${JSON.stringify(now)}`);
  some(`the ${o.name} was charged for each message sent, once, at its price`, [...paid].filter(([key, units]) => of.get(key)?.settle !== 1 || of.get(key).charged !== units).map(([key, units]) => `${key} ${units} ${JSON.stringify(of.get(key))}`));
  some(`the ${o.name} was charged for nothing else, and nothing is held`, [...of].filter(([key, m]) => key !== '0' && (m.held !== 0 || m.reserve !== m.settle + m.refund || (!paid.has(key) && (m.charged !== 0 || m.settle)))).map(([key, m]) => `${key} ${JSON.stringify(m)}`));
}

const kept = await received(), copies = new Map();
for (const text of kept.values()) count(copies, text);
const long = [...mos.values()].filter(m => m.total > 1).length;
check(mos.size > 50 && long > 10, `${mos.size} replies were acknowledged to the carrier, ${long} of them long`);
some('every reply acknowledged is in the store, whole', [...mos].filter(([text, m]) => m.acked === m.total && !copies.has(text)).map(([text]) => text.slice(0, 20)));
some('none is there twice, and nothing else', [...copies].filter(([text, k]) => k > 1 || !mos.has(text)).map(([text, k]) => `${k} times ${text.slice(0, 20)}`));
some('every reply was told to the webhook, word for word', [...kept].filter(([id, text]) => moHooks.get(id) !== text).map(([id]) => id));
some('the webhook was told of no other', [...moHooks.keys()].filter(id => !kept.has(id)));
gateway.kill('SIGTERM');
const end = await gateway.gone;
check(end.code === 0, 'the gateway ends with 0 when asked to', JSON.stringify(end));
check(/ok|sound/.test(pombo('store', 'check')), 'the store is sound');
console.log(`1..${n}`);
console.log(`# seed ${SEED}, ${starts} starts, ${ids.length} accepted, ${carrier.submits.size} submitted, ${doubt.length} in doubt, ${hookCalls} webhook calls, ${refused} refused, ${mos.size} replies, ${times.summary()}`);
if (!failed) fs.rmSync(dir, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
