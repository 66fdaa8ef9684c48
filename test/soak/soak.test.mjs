// A day in small: a steady load of all kinds for SOAK_SECONDS (default 600) at SOAK_RATE messages a second (default 200), while links are cut,
// receivers fail, commands run and the configuration is read again. Nothing may pile up: memory, descriptors, threads, what is held for
// later. And each message ends, and is told.
//
// Memory has a ceiling, not a slope: messages of late are kept up to what `memory` says, the page cache of today's file up to 64 MiB, and
// what is found by ids that are new, readers' caches and the allocator's own take some 45 MiB more, reached after some 600,000 messages.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { it } from 'node:test';
import { World, until } from '../e2e/peers/gateway.mjs';
import { Receiver } from '../e2e/peers/receiver.mjs';
import { Smsc } from '../e2e/peers/smsc.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 600), RATE = Number(process.env.SOAK_RATE ?? 200);
const MEMORY = 8 << 20, CACHE = 64 << 20, SLACK = 64 << 20;
const CALLS = 8; // of webhooks under way to one address; their connections are kept
const OPEN = 1, SENT = 2, TOLD_SENT = 4, DELIVERED = 8, TOLD_DELIVERED = 16;
const number = n => `55119${String(60000000 + n % 30000000)}`;
const sleep = ms => new Promise(next => setTimeout(next, ms));

class Ledger {
  messages = new Map(); // id -> flags

  note(id, flag) { this.messages.set(id, (this.messages.get(id) ?? 0) | flag); }

  // A call may come before the answer to the request that it is of; only what was accepted counts.
  open() { return [...this.messages].filter(([, f]) => f & OPEN && !(f & TOLD_SENT && (!(f & SENT) || f & TOLD_DELIVERED))).map(([id]) => id); }
}

// -- who takes part ------------------------------------------------------------------------------------------------------

// A carrier gives a receipt until it is acknowledged.
async function report(s, state) {
  while (state.on && await s.receipt({ link: s.smsc.links[0] ?? s.link }) !== 0) await sleep(50);
}

function carrier(w, state) {
  return w.peer(Smsc.listen({ onSubmit(s) {
    s.smsc.submits.length = 0;
    s.accept();
    if (s.f.registered & 1) report(s, state);
  } }));
}

function receiver(w, ledger) {
  let calls = 0;
  return w.peer(Receiver.listen({ onCall(call) {
    call.n = calls++;
    if (call.n % 50 === 49) { call.answer(call.n % 100 === 49 ? 500 : 302); return; }
    if (call.n % 377 === 376) { call.reset(); return; }
    const m = call.json;
    if (call.path === '/sent') ledger.note(m.id, TOLD_SENT | (m.sentStatusCode === 2 ? SENT : 0));
    if (call.path === '/delivered') ledger.note(m.id, DELIVERED | TOLD_DELIVERED);
    call.answer();
  } }));
}

// fn every so often until the load is over; the next one when it has ended.
async function every(ms, state, fn) {
  for (let i = 0; state.loading; i++) {
    const begun = Date.now();
    await fn(i);
    await sleep(Math.max(1, ms - (Date.now() - begun)));
  }
}

function customers(g, ledger, state) {
  let n = 0;
  const accept = (status, ids) => { assert.equal(status, 200); ids.forEach(id => ledger.note(id, OPEN)); };
  const bulk = async i => {
    const messages = Array.from({ length: Math.round(RATE / 10) }, (_, k) => ({
      destination: number(n++), messageText: k % 10 ? 'Seu codigo: 123456' : 'Olá, tudo bem? '.repeat(15), correlationId: `${n}`,
      ...(k % 7 ? {} : { scheduledAt: Date.now() + 100 * (i % 50) }),
    }));
    const r = await g.request('POST', '/v1/send-bulk-sms', { body: { messages } });
    accept(r.status, r.json.messages.map(m => m.id));
  };
  const single = async i => {
    const r = await g.request('POST', '/v1/send-sms', { body: { destination: number(n++), messageText: `um ${i}` }, headers: i % 3 ? {} : { connection: 'close' } });
    accept(r.status, r.json.map(m => m.id));
  };
  const refused = async () => assert.equal((await g.request('POST', '/v1/send-sms', { body: { destination: '1' } })).status, 400);
  const list = async () => assert.equal((await g.request('GET', '/v1/sms/status/list?limit=1000')).status, 200);
  return [every(100, state, bulk), every(100, state, single), every(500, state, refused), every(300, state, list)];
}

function disturbers(g, smsc, state) {
  const handset = i => smsc.deliver(null, { source_addr_ton: 1, source_addr_npi: 1, source_addr: number(i), dest_addr_ton: 3, destination_addr: '27182',
    data_coding: 0, short_message: Buffer.from(i % 20 ? `resposta ${i}` : 'SAIR') });
  return [
    every(50, state, handset),
    every(7000, state, i => { if (i) smsc.cut(); }),
    every(5000, state, () => { g.child.kill('SIGHUP'); }),
    every(4000, state, i => g.command(...(i % 2 ? ['user', 'list'] : ['message', 'search', '--number', number(1)]))),
  ];
}

// -- what it costs ---------------------------------------------------------------------------------------------------------

function cost(g) {
  const status = fs.readFileSync(`/proc/${g.child.pid}/status`, 'utf8'), of = name => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  return { rss: of('VmRSS') * 1024, threads: of('Threads'), fds: fs.readdirSync(`/proc/${g.child.pid}/fd`).length };
}

const told = c => `${(c.rss / 1048576).toFixed(1)} MiB, ${c.fds} descriptors, ${c.threads} threads`;

it(`${SECONDS} s of everything at ${RATE} a second: nothing piles up, everything ends`, { timeout: (SECONDS + 120) * 1000 }, async t => {
  const w = new World(), ledger = new Ledger(), state = { on: true, loading: true };
  try {
    const smsc = await carrier(w, state), r = await receiver(w, ledger);
    const g = await w.gateway({ smsc, webhook: r.url, memory: `${MEMORY >> 20}MiB`, webhooks: { allow: ['127.0.0.0/8'], retry_first: '150ms', retry_max: '400ms', per_endpoint: CALLS }, sms: { in_doubt: { wait: '1s', then: 'end' } } });
    await g.up();
    const zero = async (...names) => {
      for (const name of names) await until(() => `${name} to be 0`, async () => await g.metric(name) === 0, 60000);
    };
    await g.request('GET', '/metrics');
    const before = cost(g);
    const work = Promise.all([...customers(g, ledger, state), ...disturbers(g, smsc, state)]), end = Date.now() + SECONDS * 1000;
    let high = before.rss;
    const watch = every(1000, state, () => { high = Math.max(high, cost(g).rss); r.calls.length = smsc.delivered.length = smsc.binds.length = smsc.errors.length = 0; });
    await Promise.race([work, sleep(end - Date.now())]);
    state.loading = false;
    await Promise.all([work, watch]);
    await g.up();
    await until(() => `the end of ${ledger.open().length} of ${ledger.messages.size}`, () => ledger.open().length === 0, 60000);
    await zero('pombo_queued', 'pombo_awaiting_receipt', 'pombo_in_doubt', 'pombo_webhooks_pending', 'pombo_http_inflight_bytes', 'pombo_mo_parts_waiting');
    g.agent.destroy();
    const after = cost(g);
    t.diagnostic(`${ledger.messages.size} messages; before ${told(before)}; after ${told(after)}; at most ${(high / 1048576).toFixed(1)} MiB`);
    assert.ok(high - before.rss < MEMORY + CACHE + SLACK, `memory grew from ${before.rss} to ${high}`);
    assert.ok(after.fds <= before.fds + 4 * CALLS, `descriptors: ${told(before)}, then ${told(after)}`);
    assert.equal(after.threads, before.threads);
    assert.equal(await g.metric('pombo_webhooks_dead_total'), 0);
    assert.deepEqual(g.log().split('\n').filter(l => l.startsWith('error')), []);
    await g.stop();
    await g.command('store', 'check');
  } catch (e) {
    w.tell(t);
    throw e;
  } finally {
    state.on = state.loading = false;
    await w.end();
  }
});
