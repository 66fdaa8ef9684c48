// crash.mjs - the gateway is killed at random moments while requests, submits, receipts and webhook calls are under way. One process
// plays customer, carrier (npm smpp) and webhook receiver and keeps the ledger of what each of them was promised:
//   every 200 answered is in the store and ends in a final state            (nothing accepted is lost)
//   no destination is submitted twice                                       (in doubt ends, the configuration says so)
//   every receipt that was acknowledged to the carrier is in a state        (or late, for what ended in doubt)
//   every final state was told to the webhook, sent before delivered
//   the credit adds up to the unit: what was bought is what is left and one for each message that was sent, and nothing stays reserved
import { spawn, execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

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

// -- the carrier ------------------------------------------------------------------------------------------------------------
const carrier = { submits: new Map(), acked: new Set(), owed: [], sessions: new Set(), next: 1 };
function giveReceipts(session) {
  for (const r of carrier.owed) {
    if (r.session?.alive) continue; // under way on a living link
    r.session = session;
    session.deliver_sm({ esm_class: 4, source_addr_ton: 1, source_addr_npi: 1, source_addr: r.to, dest_addr_ton: 5, destination_addr: r.from,
      short_message: `id:${r.id} sub:001 dlvrd:001 submit date:2611220000 done date:2611220000 stat:DELIVRD err:000 text:` }, answer => {
      if (answer.command_status !== 0) { r.session = null; return; }
      carrier.acked.add(r.to);
      carrier.owed = carrier.owed.filter(x => x !== r);
    });
  }
}
const smsc = smpp.createServer({}, session => {
  session.alive = true;
  session.on('error', () => {});
  session.on('close', () => { session.alive = false; carrier.sessions.delete(session); });
  session.on('bind_transceiver', pdu => { session.send(pdu.response({ system_id: 'crash' })); carrier.sessions.add(session); giveReceipts(session); });
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', pdu => {
    const id = (carrier.next++).toString(16).padStart(8, '0'), to = pdu.destination_addr;
    carrier.submits.set(to, (carrier.submits.get(to) ?? 0) + 1);
    setTimeout(() => { if (session.alive) session.send(pdu.response({ message_id: id })); }, Math.random() * 20);
    setTimeout(() => { carrier.owed.push({ id, to, from: pdu.source_addr, session: null });
      for (const s of carrier.sessions) { if (s.alive) { giveReceipts(s); break; } } }, 10 + Math.random() * 60);
  });
});
const smscPort = await new Promise(r => smsc.listen(0, '127.0.0.1', function () { r((this.address?.() ?? smsc.address()).port); }));

// -- the webhook receiver ---------------------------------------------------------------------------------------------------
const hooks = new Map(); // id -> [{ kind, code }] in order of arrival
let hookCalls = 0;
const receiver = http.createServer((req, res) => {
  let body = '';
  req.on('data', c => { body += c; });
  req.on('end', () => {
    hookCalls++;
    if (Math.random() < 0.05) { res.writeHead(500).end(); return; }
    const m = JSON.parse(body), kind = req.url.slice(1);
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
webhooks: {allow: [127.0.0.0/8], retry_first: 200ms, retry_max: 1s}
`, { mode: 0o600 });
}
async function start() {
  writeConfig();
  starts++;
  gateway = spawn(POMBO, ['serve', '--config', config], { stdio: ['ignore', 'pipe', log] });
  const child = gateway;
  child.gone = new Promise(r => child.on('exit', (code, signal) => r({ code, signal })));
  let out = '';
  await new Promise((resolve, reject) => {
    child.stdout.on('data', c => { out += c; if (/^ready .*\n/m.test(out)) resolve(); });
    child.gone.then(x => reject(new Error(`the gateway ended before it was ready: ${JSON.stringify(x)}; log in ${dir}`)));
  });
  listen = /http:\/\/(127\.0\.0\.1:\d+)/.exec(out)[1];
}
const pombo = (...args) => execFileSync(POMBO, [...args, '--config', config], { encoding: 'utf8', maxBuffer: 1 << 30 });

// -- the customer -----------------------------------------------------------------------------------------------------------
const accepted = new Map(); // id -> destination
let counter = 0, loading = true, refused = 0;
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
async function customer(bulk) {
  while (loading) {
    const to = () => `55119${String(++counter).padStart(8, '0')}`;
    const messages = Array.from({ length: bulk ? 20 : 1 }, () => ({ destination: to(), messageText: 'crash test' }));
    try {
      const r = bulk ? await request('POST', '/v1/send-bulk-sms', JSON.stringify({ messages }))
        : await request('POST', '/v1/send-sms', JSON.stringify(messages[0]));
      if (r.status !== 200) { refused++; await sleep(20); continue; }
      const ids = bulk ? JSON.parse(r.text).messages : JSON.parse(r.text);
      ids.forEach((m, i) => accepted.set(m.id, messages[i].destination));
    } catch { await sleep(20); }
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
async function statuses(ids) {
  const found = new Map();
  for (let i = 0; i < ids.length; i += 1000) {
    const r = await request('POST', '/v1/sms/status/search', JSON.stringify({ ids: ids.slice(i, i + 1000) }));
    for (const s of JSON.parse(r.text).smsStatuses) found.set(s.id, s);
  }
  return found;
}

let n = 0, failed = 0;
function check(ok, what, details = '') {
  console.log(`${ok ? 'ok' : 'not ok'} ${++n} - ${what}${ok || !details ? '' : `\n# ${details}`}`);
  if (!ok) failed++;
}

await start();
token = /token: (\S+)/.exec(pombo('user', 'add', '--username', 'crash', '--email', 'crash@example.com', '--role', 'regular'))[1];
pombo('webhook', 'set', '--username', 'crash', '--sent', `http://127.0.0.1:${hookPort}/sent`, '--delivered', `http://127.0.0.1:${hookPort}/delivered`);
const BOUGHT = { account: 1000000, sub: 2000000 };
pombo('credit', 'set', '--amount', String(BOUGHT.account));
pombo('credit', 'set', '--sub-account', 'default', '--amount', String(BOUGHT.sub));
const customers = [...Array(8)].map(() => customer(false)).concat([customer(true), customer(true)]);
let earlyEnds = 0;
for (let kill = 0; kill < KILLS; kill++) {
  await sleep(150 + random() * 1200);
  gateway.kill('SIGKILL');
  const end = await gateway.gone;
  if (end.signal !== 'SIGKILL') earlyEnds++;
  await start();
}
await sleep(500);
loading = false;
await Promise.all(customers);
check(earlyEnds === 0, 'the gateway never ended by itself', `${earlyEnds} times`);
check(await settled(90000), 'everything settles after the last start',
  `queued ${await metric('pombo_queued')} in doubt ${await metric('pombo_in_doubt')} webhooks ${await metric('pombo_webhooks_pending')} receipts owed ${carrier.owed.length}`);

const ids = [...accepted.keys()], found = await statuses(ids);
const show = a => `${a.length}: ${a.slice(0, 5).join(' ')} (log and data in ${dir}, seed ${SEED})`;
const some = (what, list) => check(list.length === 0, what, show(list));
check(ids.length > 100, `${ids.length} messages were accepted over ${KILLS} kills`, `only ${ids.length}`);
some('every message that was answered 200 is in the store', ids.filter(id => !found.has(id)));
some('every one ended in a sent code', ids.filter(id => found.has(id) && !found.get(id).sentStatusCode));
some('no message was submitted twice', [...carrier.submits].filter(([, k]) => k > 1).map(([to]) => to));
some('every code is 2, or 102 for what was in doubt', ids.filter(id => ![2, 102].includes(found.get(id)?.sentStatusCode)));
const doubt = ids.filter(id => found.get(id)?.sentStatusCode === 102);
check(doubt.length <= KILLS * 100, `at most the windows' content ended in doubt (${doubt.length})`, show(doubt));
some('what never reached the carrier is not called sent', ids.filter(id => found.get(id)?.sentStatusCode === 2 && !carrier.submits.has(accepted.get(id))));
some('every receipt acknowledged to the carrier is a state', ids.filter(id => found.get(id)?.sentStatusCode === 2 && carrier.acked.has(accepted.get(id)) && found.get(id).deliveredStatusCode !== 4));
some('every sent code was told to the webhook', ids.filter(id => found.get(id)?.sentStatusCode && !hooks.get(id)?.some(h => h.kind === 'sent' && h.code === found.get(id).sentStatusCode)));
some('every delivery was told to the webhook', ids.filter(id => found.get(id)?.deliveredStatusCode && !hooks.get(id)?.some(h => h.kind === 'delivered' && h.code === found.get(id).deliveredStatusCode)));
some('sent was told before delivered', [...hooks].filter(([, calls]) => { const d = calls.findIndex(h => h.kind === 'delivered'); return d >= 0 && !calls.slice(0, d).some(h => h.kind === 'sent'); }).map(([id]) => id));
// Messages whose 200 died with the process count as well: all that the store has are asked for.
const paid = JSON.parse(pombo('message', 'search', '--status', '2', '--limit', '1000000', '--json')).length;
const credit = (...args) => JSON.parse(pombo('credit', 'show', ...args, '--json'));
const [ofAccount, ofSub] = [credit(), credit('--sub-account', 'default')];
check(ofAccount.balance === BOUGHT.account - paid && ofAccount.reserved === 0, `the account's ledger adds up over ${paid} messages sent`, JSON.stringify(ofAccount));
check(ofSub.balance === BOUGHT.sub - paid && ofSub.reserved === 0, 'the sub-account\'s ledger adds up', JSON.stringify(ofSub));
gateway.kill('SIGTERM');
const end = await gateway.gone;
check(end.code === 0, 'the gateway ends with 0 when asked to', JSON.stringify(end));
check(/ok|sound/.test(pombo('store', 'check')), 'the store is sound');
console.log(`1..${n}`);
console.log(`# seed ${SEED}, ${starts} starts, ${ids.length} accepted, ${carrier.submits.size} submitted, ${doubt.length} in doubt, ${hookCalls} webhook calls, ${refused} refused`);
if (!failed) fs.rmSync(dir, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
