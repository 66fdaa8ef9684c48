// gateway.mjs - the program under test as a child process, its configuration in a folder of its own, and the one who uses it.
//
// scenario(name, fn) is a test that gets a World: whatever is started through it is ended when the test is over, last one first, and
// a test that fails says what the gateway logged. within(world) makes tests that share one.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const POMBO = process.env.POMBO ? path.resolve(process.env.POMBO) : path.join(ROOT, 'build/pombo');
export const LOGS = path.join(ROOT, 'build/test-logs');
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const PATIENCE = 20000;

// until(what, fn): the first truthy value of fn, which is asked every few milliseconds. The only way to wait in these tests.
export async function until(what, fn, ms = PATIENCE) {
  for (const end = Date.now() + ms; ;) {
    const value = await fn();
    if (value) return value;
    if (Date.now() > end) assert.fail(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`);
    await new Promise(r => setTimeout(r, 10));
  }
}

// For what must not happen: there is nothing to poll for, so this is the one place that lets time pass.
export async function never(what, fn, ms) {
  for (const end = Date.now() + ms; Date.now() < end;) {
    assert.ok(!await fn(), what);
    await new Promise(r => setTimeout(r, 20));
  }
}

export function run(file, args, { input, ...options } = {}) {
  return new Promise(resolve => {
    const child = execFile(file, args, { timeout: PATIENCE, maxBuffer: 64 << 20, ...options }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? 1 : 0, signal: error?.signal, stdout, stderr });
    });
    if (input !== undefined) child.stdin.end(input);
  });
}

// One connection's settings as the tests like them: impatient.
export function connection(smsc, more = {}) {
  const list = Array.isArray(smsc) ? smsc : [smsc];
  const { timers, ...rest } = more;
  return {
    name: 'main', smpp: list.map(s => (typeof s === 'string' ? s : s.url)), system_id: 'pombo', password: 'secret', binds: 1, ...rest,
    timers: { bind: '5s', response: '10s', throttle: '50ms', reconnect: '50ms', reconnect_max: '200ms', ...timers },
  };
}

class Gateway {
  constructor(world, options) {
    this.world = world;
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pombo-e2e-'));
    this.config = path.join(this.dir, 'pombo.yaml');
    this.logFile = path.join(this.dir, 'gateway.log');
    this.data = path.join(this.dir, 'data');
    this.binary = options.binary ?? POMBO;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    this.configure(options);
    fs.writeFileSync(this.logFile, '');
  }

  // YAML 1.1 takes JSON with a blank behind each colon.
  configure({ smsc, connections, routes, sms, ...rest }) {
    const conns = connections ?? [connection(smsc ?? 'smpp://127.0.0.1:1')];
    const { binary, env, user, webhook, start, ...keys } = rest;
    fs.writeFileSync(this.config, JSON.stringify({
      data: this.data, http: [{ listen: '127.0.0.1:0' }], http_threads: 2,
      limits: { requests_per_second: 0, status_queries_per_second: 0 },
      operators: [{ id: 1, name: 'VIVO', prefixes: ['55119'] }, { id: 7, name: 'OI', prefixes: ['55319'], delivery_reports: false }],
      sms: {
        connections: conns, routes: routes ?? [{ prefix: '', connections: conns.map(c => c.name) }], short_codes: ['27182', '28149'],
        in_doubt: { wait: '1s', then: 'end' }, retry: { delay: '100ms', max_delay: '300ms' }, ...sms,
      },
      webhooks: { allow: ['127.0.0.0/8'], retry_first: '150ms', retry_max: '400ms' }, ...keys,
    }, null, 1), { mode: 0o600 });
  }

  async start({ env = {} } = {}) {
    const log = fs.openSync(this.logFile, 'a');
    const child = spawn(this.binary, ['serve', '--config', this.config], { stdio: ['ignore', 'pipe', log], env: { ...process.env, ...env } });
    fs.closeSync(log);
    this.child = child;
    this.running = true;
    this.gone = new Promise(resolve => child.on('exit', (code, signal) => { this.running = false; resolve({ code, signal }); }));
    let out = '';
    child.stdout.on('data', c => { out += c; });
    this.ended = null;
    this.gone.then(end => { this.ended = end; });
    await until(() => `the line "ready"; ${this.log().slice(-2000)}`, () => /^ready .*\n/m.test(out) || this.ended);
    if (this.ended) assert.fail(`the gateway ended before it was ready: ${JSON.stringify(this.ended)}`);
    this.url = /http:\/\/\S+/.exec(out)[0];
    return this;
  }

  async addUser(name = 'tester', more = []) {
    const { stdout } = await this.command('user', 'add', '--username', name, '--email', `${name}@example.com`, '--role', 'regular', ...more);
    const user = { username: name, authenticationtoken: /token: (\S+)/.exec(stdout)[1] };
    this.user ??= user;
    return user;
  }

  // The webhooks of the user `tester` go to that receiver.
  webhookOf({ url }, ...more) {
    return this.command('webhook', 'set', '--username', 'tester', '--sent', `${url}/sent`, '--delivered', `${url}/delivered`, '--secret', SECRET, ...more);
  }

  log() { return fs.readFileSync(this.logFile, 'utf8'); }

  tryCommand(...args) { return run(this.binary, [...args, '--config', this.config]); }

  async command(...args) {
    const r = await this.tryCommand(...args);
    assert.equal(r.code, 0, `pombo ${args.join(' ')}: ${r.stderr}`);
    return r;
  }

  async json(...args) { return JSON.parse((await this.command(...args, '--json')).stdout); }

  request(method, target, { body, headers = {}, user = this.user } = {}) {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const req = http.request(this.url + target, {
        method, agent: this.agent, timeout: PATIENCE,
        headers: { ...user, ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }), ...headers },
      }, res => {
        let answer = '';
        res.setEncoding('utf8').on('data', c => { answer += c; });
        res.on('end', () => {
          if (!res.complete) { reject(new Error('the answer was cut')); return; }
          let json;
          try { json = JSON.parse(answer); } catch { /* not JSON */ }
          resolve({ status: res.statusCode, headers: res.headers, text: answer, json });
        });
        res.on('error', reject);
      });
      req.on('timeout', () => req.destroy(new Error('no answer')));
      req.on('error', reject);
      req.end(text);
    });
  }

  // send(number, text): the id of an accepted message.
  async send(destination, messageText = 'Ola', more = {}, user) {
    const r = await this.request('POST', '/v1/send-sms', { body: { destination, messageText, ...more }, user });
    assert.equal(r.status, 200, r.text);
    return r.json[0].id;
  }

  // bulk(messages): their ids, in order.
  async bulk(messages, user) {
    const r = await this.request('POST', '/v1/send-bulk-sms', { body: { messages }, user });
    assert.equal(r.status, 200, r.text);
    return r.json.messages.map(m => m.id);
  }

  async statuses(ids, user) {
    const found = new Map();
    for (let i = 0; i < ids.length; i += 1000) {
      const r = await this.request('POST', '/v1/sms/status/search', { body: { ids: ids.slice(i, i + 1000) }, user });
      assert.equal(r.status, 200, r.text);
      for (const s of r.json.smsStatuses) found.set(s.id, s);
    }
    return found;
  }

  // status(id, fn): its status once fn holds for it (default: it has a sent code).
  async status(id, fn = s => s.sentStatusCode, ms = PATIENCE) {
    let last;
    return until(() => `the status of ${id}, which is ${JSON.stringify(last)}`, async () => {
      last = (await this.statuses([id])).get(id);
      return last && fn(last) && last;
    }, ms);
  }

  sent(id, code) { return this.status(id, s => s.sentStatusCode).then(s => { assert.equal(s.sentStatusCode, code, JSON.stringify(s)); return s; }); }

  delivered(id, code) {
    return this.status(id, s => s.deliveredStatusCode).then(s => { assert.equal(s.deliveredStatusCode, code, JSON.stringify(s)); return s; });
  }

  async timeline(id) { return (await this.command('message', 'show', id)).stdout; }

  async metric(name, label) {
    const { text } = await this.request('GET', '/metrics');
    const line = text.split('\n').find(l => l.startsWith(name) && (l[name.length] === ' ' || (label && l.startsWith(`${name}{`) && l.includes(`="${label}"`))));
    return line ? Number(line.split(' ').pop()) : NaN;
  }

  up(name = 'main', count = 1) { return until(`${count} binds of ${name}`, async () => await this.metric('pombo_binds_up', name) === count); }

  async kill() {
    this.child.kill('SIGKILL');
    await this.gone;
    this.agent.destroy();
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  async stop() {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 25000);
    const end = await this.gone;
    clearTimeout(timer);
    this.agent.destroy();
    assert.deepEqual(end, { code: 0, signal: null }, 'the gateway ends with 0 when asked to');
  }

  async close() {
    try { await this.stop(); } finally { if (!this.world.failed) fs.rmSync(this.dir, { recursive: true, force: true }); }
  }
}

export class World {
  endings = [];
  gateways = [];
  failed = false;

  later(fn) { this.endings.push(fn); }

  // A gateway that runs, with a user `tester`. `start: false` leaves it to the test.
  async gateway(options = {}) {
    const g = new Gateway(this, options);
    this.gateways.push(g);
    this.later(() => g.close());
    if (options.start !== false) {
      await g.start(options);
      if (options.user !== false) await g.addUser();
      if (options.webhook) await g.webhookOf({ url: options.webhook });
    }
    return g;
  }

  // A peer is anything with close().
  async peer(promise) {
    const p = await promise;
    this.later(() => p.close());
    return p;
  }

  folder() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pombo-peer-'));
    this.later(() => fs.rmSync(dir, { recursive: true, force: true }));
    return dir;
  }

  async end() {
    const errors = [];
    for (const fn of this.endings.reverse()) {
      try { await fn(); } catch (e) { errors.push(e); }
    }
    if (errors.length) throw errors[0];
  }

  // What the gateways of a failed test logged last. Their folders stay.
  tell(t) {
    this.failed = true;
    for (const g of this.gateways) {
      t.diagnostic(`the gateway's folder is ${g.dir}; the end of its log:`);
      for (const line of g.log().trimEnd().split('\n').slice(-25)) t.diagnostic(line);
    }
  }
}

// within(world): tests that share one world, which the file ends itself.
export const within = w => (name, options, fn) => {
  if (!fn) [options, fn] = [{}, options];
  it(name, { timeout: 50000, ...options }, async t => {
    try { await fn(t); } catch (e) {
      if (!options.todo) w.tell(t);
      throw e;
    }
  });
};

export function scenario(name, options, fn) {
  if (!fn) [options, fn] = [{}, options];
  it(name, { timeout: 50000, ...options }, async t => {
    const w = new World();
    let error;
    try { await fn(w, t); } catch (e) { error = e; w.failed = !options.todo; }
    try { await w.end(); } catch (e) { error ??= e; }
    if (!error) return;
    if (w.failed) w.tell(t);
    throw error;
  });
}
