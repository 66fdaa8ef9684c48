// The status and the receive list under concurrency: fifty readers of one user, connections cut, the process killed. A ledger keeps what
// every answer held and how it ended:
//   whole    the last octet came, and a later answer on the same connection proves that the server knew
//   last     the last octet came, and nothing after it on that connection: when the process was killed, its consumption may have died too
//   broken   the connection ended before the last octet
// Nothing may be missing from the whole and last ones together, no change may be in two whole ones, and what is in a broken one comes
// again. So whatever is given out twice is in a last or a broken answer, and the ledger says in which.
//
// What a machine has acknowledged and its program never reads is gone, and a kernel acknowledges 200 KB for a program that has read 64, more
// once it has seen it read a lot. So only answers larger than that are cut, on new connections, and after a kill everybody reads what is
// still there.
import assert from 'node:assert/strict';
import http from 'node:http';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { user } from './peers/handset.mjs';
import { Smsc } from './peers/smsc.mjs';

const READERS = 50, LARGE = 300000;
const pause = () => new Promise(next => setTimeout(next, 10));

class Ledger {
  answers = []; // {end: 'whole' | 'last' | 'broken', entries}

  constructor(keyOf) { this.keyOf = keyOf; }

  of(...ends) { return this.answers.filter(a => ends.includes(a.end)); }

  // key -> its entries, in answers that ended so
  told(...ends) {
    const seen = new Map();
    for (const a of this.of(...ends)) {
      for (const e of a.entries) {
        const key = this.keyOf(e);
        if (seen.has(key)) seen.get(key).push(e); else seen.set(key, [e]);
      }
    }
    return seen;
  }

  // want: key -> number of its changes; after the second a delivered code is there to be told.
  missing(want) {
    const told = this.told('whole', 'last');
    return [...want].filter(([key, n]) => !told.get(key)?.some(e => n === 1 || e.deliveredStatusCode)).map(([key]) => key);
  }

  tooOften(want, ...ends) { return [...this.told(...ends)].filter(([key, e]) => e.length > want.get(key)).map(([key]) => key); }

  toString() { return ['whole', 'last', 'broken'].map(e => `${this.of(e).length} ${e} with ${this.of(e).reduce((n, a) => n + a.entries.length, 0)}`).join(', '); }
}

// One connection that is kept, used by one call after the other.
class Reader {
  constructor(ledger, g, path) {
    Object.assign(this, { ledger, g, path, previous: null });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  // Returns the number of entries, -1 when no whole answer came. cut: the connection is destroyed when the first octets of a large one are there.
  call({ limit = 1000, cut = false, at } = {}) {
    return new Promise(resolve => {
      let text = '', size = -1, status;
      const done = () => {
        if (status !== 200 || !text) { resolve(-1); return; }
        const whole = text.length === size, answer = { end: whole ? 'last' : 'broken', entries: this.#entries(text, whole) };
        if (this.previous) this.previous.end = 'whole';
        this.previous = whole ? answer : null;
        this.ledger.answers.push(answer);
        resolve(whole ? answer.entries.length : -1);
      };
      const req = http.get(`${this.g.url}${this.path}?limit=${limit}${at ? `&start=${at}&end=${at}` : ''}`, { agent: this.agent, headers: { ...this.g.user } }, res => {
        status = res.statusCode;
        size = Number(res.headers['content-length']);
        res.on('data', c => {
          text += c.toString('latin1');
          if (cut && size > LARGE) req.destroy();
        });
        res.on('error', () => {}).on('close', done);
      });
      req.on('error', () => { if (status === undefined) resolve(-1); });
    });
  }

  // Of a broken answer: those entries that can be read.
  #entries(text, whole) {
    if (whole) { const { smsStatuses, messages } = JSON.parse(text); return smsStatuses ?? messages; }
    return [...text.matchAll(/\{"id":"[0-9a-f-]{36}"[^{}]*\}/g)].map(m => JSON.parse(m[0]));
  }

  // On a connection of its own; when the answer came whole after all, one more call says that it is known.
  async callAndCut() {
    const own = new Reader(this.ledger, this.g, this.path), n = await own.call({ cut: true });
    if (n >= 0) await own.call({ limit: 1 });
    own.close();
    return n;
  }

  close() { this.agent.destroy(); }
}

class Crowd {
  constructor(ledger, g, path) {
    this.readers = Array.from({ length: READERS }, () => new Reader(ledger, g, path));
    this.reading = true;
    this.calling = 0;
    this.held = null;
  }

  // Everybody reads until stop(). cutting: every third call is cut if its answer is large.
  start(cutting) {
    this.work = Promise.all(this.readers.map(async (r, i) => {
      for (let turn = 0; this.reading; turn++) {
        this.calling++;
        const n = cutting && (i + turn) % 3 === 0 ? await r.callAndCut() : await r.call({ limit: (cutting ? [20, 100, 7, 50] : [1000, 300, 50, 7])[(i + turn) % 4] });
        this.calling--;
        await this.held;
        if (n <= 0) await pause();
      }
    }));
  }

  // The process was killed. Everybody reads what has come; nobody can know whether his last answer was written down.
  async mourn() {
    let go;
    this.held = new Promise(r => { go = r; });
    await until('the ends of all calls', () => this.calling === 0);
    for (const r of this.readers) r.previous = null;
    return () => { this.held = null; go(); };
  }

  async stop() {
    this.reading = false;
    await this.work;
  }

  close() { for (const r of this.readers) r.close(); }
}

// -- what is listed -----------------------------------------------------------------------------------------------------------

// Oi gives no reports, so that its messages change once; the others change twice, sent and delivered.
const EXTRA = '€'.repeat(255);
const number = i => `55${i % 2 ? '31' : '11'}9${String(80000000 + i)}`;
const final = s => s && s.sentStatusCode && (s.sentStatusCode !== 2 || s.carrierName === 'OI' || s.deliveredStatusCode);

const statuses = {
  path: '/v1/sms/status/list',
  keyOf: e => e.id,
  async make({ g }, from, n) {
    const ids = [];
    for (let at = from; at < from + n; at += 500) ids.push(...await g.bulk(Array.from({ length: 500 }, (_, i) => ({ destination: number(at + i), messageText: 'Ola', extraInfo: EXTRA }))));
    return ids;
  },
  at: async ({ g }, ids) => [...(await g.statuses(ids)).values()].map(s => s.updatedAt),
  // Once all are final, as the search says.
  async want({ g }, ids) {
    let found;
    await until(() => `final states, open: ${ids.filter(id => !final(found.get(id))).length}`, async () => { found = await g.statuses(ids); return ids.every(id => final(found.get(id))); });
    return new Map(ids.map(id => [id, found.get(id).deliveredStatusCode ? 2 : 1]));
  },
};

// What the gateway does not acknowledge is sent again, on the next link.
const replies = {
  path: '/v1/sms/receive/list',
  keyOf: e => e.messageText,
  async make({ smsc, open }, from, n) {
    const texts = Array.from({ length: n }, (_, i) => `${from + i} ${'x'.repeat(140)}`), rest = [...texts.keys()];
    await Promise.all(Array.from({ length: 50 }, async () => {
      for (let i; (i = rest.pop()) !== undefined;) {
        const pdu = { source_addr_ton: 1, source_addr_npi: 1, source_addr: number(from + i), dest_addr_ton: 3, destination_addr: '27182', short_message: texts[i] };
        while (open() && await smsc.deliver(null, pdu) !== 0) await pause();
      }
    }));
    return texts;
  },
  at: async ({ g }) => (await g.request('GET', '/v1/sms/receive/search')).json.messages.map(m => m.receivedAt),
  want: (_, texts) => new Map(texts.map(t => [t, 1])),
};

async function world(w, { path, keyOf }) {
  let running = true;
  w.later(() => { running = false; });
  const open = () => running;
  const onSubmit = async s => {
    s.accept();
    if (s.f.registered & 1) while (open() && await s.receipt({ link: s.smsc.links[0] }) !== 0) await pause();
  };
  const smsc = await w.peer(Smsc.listen({ onSubmit }));
  const g = await w.gateway({ smsc, sms: { in_doubt: { wait: '300ms', then: 'end' } } });
  await g.command('short-code', 'assign', '27182', '--sub-account', 'default');
  await g.up();
  const ledger = new Ledger(keyOf), all = new Crowd(ledger, g, path);
  w.later(() => all.close());
  return { smsc, g, ledger, all, open };
}

const few = list => `${list.length}: ${list.slice(0, 3).join(', ')}`;
function complete(ledger, want) { return until(() => `everything to be told, ${ledger}, missing ${few(ledger.missing(want))}`, () => ledger.missing(want).length === 0); }

for (const [name, list] of [['the status list', statuses], ['the receive list', replies]]) {
  describe(name, () => {
    scenario('gives fifty readers disjoint ranges and everything once, while more comes', async (w, t) => {
      const it = await world(w, list), { g, ledger, all } = it;
      const keys = await list.make(it, 0, 1000);
      all.start(false);
      keys.push(...await list.make(it, 1000, 2000));
      const want = await list.want(it, keys);
      await complete(ledger, want);
      await all.stop();
      for (const r of all.readers) assert.equal(await r.call(), 0, 'nothing is left');
      t.diagnostic(`${ledger}`);
      assert.equal(ledger.of('broken').length, 0);
      assert.deepEqual(ledger.tooOften(want, 'whole', 'last'), []);
      assert.equal(ledger.told('whole', 'last').size, keys.length);
      await g.kill();
      await g.start();
      assert.equal(await new Reader(ledger, g, list.path).call(), 0, 'nothing comes back with the next process');
    });

    scenario('gives in one call what narrowed ones left, whatever lies between', async (w, t) => {
      const it = await world(w, list), { g, ledger } = it, one = new Reader(ledger, g, list.path);
      w.later(() => one.close());
      const keys = await list.make(it, 0, 500), want = await list.want(it, keys);
      const at = [...new Set(await list.at(it, keys))].sort((a, b) => a - b);
      for (let i = 1; i < at.length - 1; i++) await one.call({ limit: 1, at: at[i] });
      const holes = ledger.of('whole', 'last').filter(a => a.entries.length).length;
      assert.ok(holes, `${holes} of ${at.length} moments`);
      assert.ok(await one.call() > 0);
      assert.equal(await one.call(), 0, 'one call was enough');
      t.diagnostic(`${holes} narrowed calls; ${ledger}`);
      assert.deepEqual(ledger.missing(want), []);
      assert.deepEqual(ledger.tooOften(want, 'whole', 'last'), []);
    });

    scenario('misses nothing when connections are cut in the middle of an answer', async (w, t) => {
      const it = await world(w, list), { g, ledger, all } = it;
      const keys = await list.make(it, 0, 3000), want = await list.want(it, keys);
      all.start(true);
      await complete(ledger, want);
      await all.stop();
      const after = new Reader(ledger, g, list.path);
      w.later(() => after.close());
      await until('nothing is left', async () => await after.call() === 0);
      t.diagnostic(`${ledger}`);
      assert.ok(ledger.of('broken').length, 'some answers were cut');
      assert.deepEqual(ledger.tooOften(want, 'whole', 'last'), [], 'the process lives: what came whole comes no more');
      const told = ledger.told('whole', 'last');
      assert.deepEqual([...ledger.told('broken').keys()].filter(key => !told.has(key)), [], 'what was in a cut answer comes again');
    });

    scenario('misses nothing over kill -9; only what was under way is handed out again', async (w, t) => {
      const it = await world(w, list), { g, ledger, all } = it;
      const keys = await list.make(it, 0, 1000);
      all.start(true);
      for (let life = 1; life <= 4; life++) {
        const more = list.make(it, 1000 * life, 1000), before = ledger.answers.length;
        await until(() => `answers of this life: ${ledger}`, () => ledger.answers.slice(before).filter(a => a.entries.length).length >= 10);
        keys.push(...await more);
        await g.kill();
        const goOn = await all.mourn();
        await g.start();
        goOn();
      }
      const want = await list.want(it, keys);
      await complete(ledger, want);
      await all.stop();
      t.diagnostic(`${ledger}`);
      assert.deepEqual(ledger.tooOften(want, 'whole'), [], 'what was known to have arrived comes no more');
      const excused = ledger.told('last'), twice = ledger.tooOften(want, 'whole', 'last');
      assert.deepEqual(twice.filter(key => !excused.has(key)), [], `what came twice was in the last answer of a connection: ${few(twice)}`);
      t.diagnostic(`handed out again: ${twice.length}`);
    });
  });
}

describe('an administrator\'s status list', () => {
  scenario('of one sub-account leaves the others unread, over a kill, too', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.accept() })), g = await w.gateway({ smsc });
    await g.up();
    const boss = await user(g, 'boss', '--role', 'administrator'), subs = ['uma', 'outra'];
    for (const name of subs) await g.command('sub-account', 'add', name);
    const list = async (query = '') => {
      const { smsStatuses } = (await g.request('GET', `/v1/sms/status/list${query}`, { user: boss })).json;
      return smsStatuses.map(s => s.extraInfo);
    };
    const send = async (subAccount, n) => {
      const messages = Array.from({ length: n }, (_, i) => ({ destination: number(i), messageText: 'Ola', extraInfo: subAccount }));
      const { status, json } = await g.request('POST', '/v1/send-bulk-sms', { user: boss, body: { subAccount, messages } });
      assert.equal(status, 200, JSON.stringify(json));
      const ids = json.messages.map(m => m.id);
      await until('sent', async () => [...(await g.statuses(ids, boss)).values()].every(s => s.sentStatusCode === 2));
    };
    for (const name of [...subs, ...subs]) await send(name, 20);
    assert.deepEqual(await list('?subAccount=uma'), Array(40).fill('uma'));
    assert.deepEqual(await list('?subAccount=uma'), []);
    await g.kill();
    await g.start();
    await send('uma', 5);
    assert.deepEqual(await list(), [...Array(40).fill('outra'), ...Array(5).fill('uma')]);
    assert.deepEqual(await list('?subAccount=uma'), []);
    assert.deepEqual(await list('?subAccount=outra'), []);
  });
});
