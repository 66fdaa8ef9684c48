// Time: schedules, expiries, windows, zones and sending hours, as requests say them and as a carrier sees them.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { never, scenario, until } from './peers/gateway.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Smsc } from './peers/smsc.mjs';

const TO = '5511900000001';
const number = i => `5511900${String(i).padStart(6, '0')}`;
const HOUR = 3600000;
const MINUTE = 60000;
const DAY = 24 * HOUR;
const utcHour = (ahead = 0) => new Date(Date.now() + ahead * HOUR).getUTCHours();
const iso = ms => new Date(ms).toISOString().slice(0, 19);
const show = (g, id) => g.json('message', 'show', id);
const at = text => Date.parse(text);
// The clock of the gateway is this one; half a second for the way of a request.
const near = (got, want, slack = 5000) => assert.ok(Math.abs(got - want) <= slack, `${new Date(got).toISOString()} is not ${new Date(want).toISOString()}`);

const ONE_START = 'only one of scheduledAt, scheduledDate and delayedInMinutes is allowed';
const ONE_EXPIRY = 'only one of expiresAt, expiresDate and expiresInMinutes is allowed';
const EPOCH = 'must be a time in seconds or milliseconds since 1970';
const DATE = 'must be yyyy-MM-ddTHH:mm:ss, optionally with Z or an offset';
const MINUTES = 'must be a whole number of minutes, not negative';
const HOURS = 'must be hours from 0 to 23';
const past = () => Math.floor(Date.now() / 1000) - 10;
const soon = () => iso(Date.now() + 10 * MINUTE);
const REFUSED = () => [
  [{ scheduledAt: past() + 100, delayedInMinutes: 5 }, 'delayedInMinutes', ONE_START],
  [{ scheduledDate: soon(), scheduledAt: past() + 100 }, 'scheduledAt', ONE_START],
  [{ scheduleDate: soon(), delayedInMinutes: 5 }, 'delayedInMinutes', ONE_START],
  [{ expiresAt: past() + 100, expiresInMinutes: 5 }, 'expiresInMinutes', ONE_EXPIRY],
  [{ expiresDate: soon(), expiresAt: past() + 100 }, 'expiresAt', ONE_EXPIRY],
  [{ scheduledAt: 'tomorrow' }, 'scheduledAt', EPOCH],
  [{ expiresAt: -1 }, 'expiresAt', EPOCH],
  [{ scheduledDate: '2026-13-01T00:00:00' }, 'scheduledDate', DATE],
  [{ scheduleDate: '01/12/2026' }, 'scheduleDate', DATE],
  [{ expiresDate: '2026-12-01' }, 'expiresDate', DATE],
  [{ delayedInMinutes: -1 }, 'delayedInMinutes', MINUTES],
  [{ expiresInMinutes: 'x' }, 'expiresInMinutes', MINUTES],
  [{ timeWindow: [24] }, 'timeWindow', HOURS],
  [{ timeWindow: [-1] }, 'timeWindow', HOURS],
  [{ timeWindow: 'noon' }, 'timeWindow', HOURS],
  [{ timeZone: 'Mars/Olympus' }, 'timeZone', 'unknown time zone'],
  [{ timeZone: '../../etc/passwd' }, 'timeZone', 'unknown time zone'],
  [{ timeZone: '/etc/localtime' }, 'timeZone', 'unknown time zone'],
  [{ expiresAt: past() }, 'expiresAt', 'is past'],
  [{ expiresDate: iso(Date.now() - 5000) }, 'expiresDate', 'is past'],
  [{ expiresInMinutes: 0 }, 'expiresInMinutes', 'is past'],
  [{ delayedInMinutes: 10, expiresInMinutes: 10 }, 'expiresInMinutes', 'must be later than the schedule'],
  [{ delayedInMinutes: 10, expiresDate: iso(Date.now() + 5 * MINUTE) }, 'expiresDate', 'must be later than the schedule'],
  [{ scheduledAt: Date.now() + 367 * DAY }, 'scheduledAt', 'is more than a year ahead'],
  [{ delayedInMinutes: 367 * 1440 }, 'delayedInMinutes', 'is more than a year ahead'],
  [{ scheduledDate: iso(Date.now() + 367 * DAY) }, 'scheduledDate', 'is more than a year ahead'],
  [{ expiresInMinutes: 367 * 1440 }, 'expiresInMinutes', 'is more than a year ahead'],
];

describe('what is refused', () => {
  scenario('each rule with 400 and the path of the field, on every way in, and without effect', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const expect = (r, field, rule, what) => {
      assert.equal(r.status, 400, `${what}: ${r.text}`);
      assert.equal(r.json.errorCode, 400);
      assert.equal(r.json.errorMessage, `${field}: ${rule}`, what);
      assert.deepEqual(r.json.errors?.[0] ?? { field, message: rule }, { field, message: rule });
    };
    for (const [fields, field, rule] of REFUSED()) {
      const what = JSON.stringify(fields);
      const message = { destination: TO, messageText: 'x' };
      expect(await g.request('POST', '/v1/send-sms', { body: { ...message, ...fields } }), field, rule, what);
      const query = new URLSearchParams({ ...message, ...fields });
      expect(await g.request('GET', `/v1/send-sms?${query}`), field, rule, `GET ${what}`);
      const bulk = body => g.request('POST', '/v1/send-bulk-sms', { body });
      expect(await bulk({ messages: [message, { ...message, ...fields }] }), `messages[1].${field}`, rule, what);
      expect(await bulk({ messages: [message], defaultValues: fields }), `defaultValues.${field}`, rule, what);
      expect(await bulk({ messages: [message], ...fields }), field, rule, what);
    }
    const r = await g.request('POST', '/v1/send-sms', { body: { destination: TO, messageText: 'x', timeZone: 5, timeWindow: {}, scheduledAt: 1.5 } });
    assert.deepEqual(r.json.errors.map(e => e.field).sort(), ['scheduledAt', 'timeWindow', 'timeZone']);
    assert.equal(await g.metric('pombo_messages_accepted_total'), 0);
    assert.equal(smsc.submits.length, 0);
  });
});

describe('schedules', { concurrency: 4 }, () => {
  scenario('a message leaves at its time and not before; others do not wait for it', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const when = Date.now() + 1500;
    const later = await g.send(number(1), 'later', { scheduledAt: when });
    const now = await g.send(number(2), 'now');
    const past = await g.send(number(3), 'past', { scheduledAt: Date.now() - DAY });
    await g.delivered(now, 4);
    await g.delivered(past, 4);
    await g.delivered(later, 4);
    const seen = smsc.submits.find(s => s.to === number(1));
    assert.ok(seen.at >= when, `${when - seen.at} ms too soon`);
    assert.equal(smsc.submits.length, 3);
    const m = await show(g, later);
    near(at(m.notBefore), when, 1000);
    near(at(m.expiresAt), when + DAY);
  });

  scenario('it outlives a stop and a kill; what was due meanwhile leaves at the start, once, in order', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(Array.from({ length: 20 }, (_, i) => ({ destination: number(i), messageText: 'x', scheduledAt: Date.now() + 1200 + i })));
    const [far] = await g.bulk([{ destination: number(99), messageText: 'x', delayedInMinutes: 600 }]);
    await g.stop();
    await g.start();
    await g.kill();
    const due = Date.now() + 1300;
    await until('the time of the messages', () => Date.now() > due);
    assert.equal(smsc.submits.length, 0);
    await g.start();
    for (const id of ids) await g.delivered(id, 4);
    assert.deepEqual(smsc.submits.map(s => s.to), ids.map((_, i) => number(i)));
    const m = await show(g, far);
    assert.equal(m.state, 'queued');
    near(at(m.dueAt), Date.now() + 600 * MINUTE, 60000);
  });

  scenario('precedence of levels and the forms of a query', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const r = await g.request('POST', '/v1/send-bulk-sms', { body: {
      messageText: 'x', timeZone: 'America/Sao_Paulo', delayedInMinutes: 60, expiresInMinutes: 600, timeWindow: [utcHour(12)],
      defaultValues: { delayedInMinutes: 120, timeZone: '+03:00' },
      messages: [{ destination: number(1) }, { destination: number(2), scheduledDate: iso(Date.now() + 3 * HOUR), timeZone: 'UTC', timeWindow: [0, 1, 2] },
        { destination: number(3), expiresAt: Date.now() + 5 * HOUR }] } });
    assert.equal(r.status, 200, r.text);
    const [a, b, c] = await Promise.all(r.json.messages.map(m => show(g, m.id)));
    near(at(a.notBefore), Date.now() + 2 * HOUR);
    near(at(a.expiresAt), Date.now() + 10 * HOUR);
    assert.deepEqual([a.timeWindow, a.timeZone], [[utcHour(12)], '+03:00']);
    near(at(b.notBefore), Date.now() + 3 * HOUR);
    assert.deepEqual([b.timeWindow, b.timeZone], [[0, 1, 2], 'UTC']);
    near(at(c.expiresAt), Date.now() + 5 * HOUR);
    near(at(c.notBefore), Date.now() + 2 * HOUR);
    for (const window of ['timeWindow=11&timeWindow=12', 'timeWindow=11,12', 'timeWindow=[11,12]', 'timeWindow[]=11&timeWindow[]=12', 'timeWindow=%5B11%2C+12%5D']) {
      const q = await g.request('GET', `/v1/send-sms?destination=${TO}&messageText=x&${window}&delayedInMinutes=9&timeZone=+01:00`);
      assert.equal(q.status, 200, q.text);
      const m = await show(g, q.json[0].id);
      assert.deepEqual([m.timeWindow, m.timeZone], [[11, 12], '+01:00'], window);
      near(at(m.notBefore), Date.now() + 9 * MINUTE);
    }
  });

  scenario('the zone is the request\'s, the user\'s, the sub-account\'s, the country\'s, or UTC; or the destination\'s', async w => {
    const g = await w.gateway({});
    const date = iso(Date.now() + 2 * DAY);
    const moment = async (more = {}, to = TO) => {
      const r = await g.request('POST', '/v1/send-sms', { body: { destination: to, messageText: 'x', scheduledDate: date, ...more } });
      assert.equal(r.status, 200, r.text);
      return (at((await show(g, r.json[0].id)).notBefore) - at(`${date}Z`)) / HOUR;
    };
    assert.equal(await moment(), 0);
    await g.command('account', 'set', 'default', '--country', 'BR');
    assert.equal(await moment(), 3);
    await g.command('sub-account', 'set', 'default', '--time-zone', 'destination');
    assert.equal(await moment({}, '5592987654321'), 4); // Manaus
    assert.equal(await moment({}, '5511987654321'), 3);
    assert.equal(await moment({}, '819012345678'), -9); // Tokyo
    await g.command('sub-account', 'set', 'default', '--time-zone', '-0100');
    assert.equal(await moment(), 1);
    await g.command('user', 'set', 'tester', '--time-zone', 'Asia/Kathmandu');
    assert.equal(await moment(), -5.75);
    assert.equal(await moment({ timeZone: '+05:30' }), -5.5);
    assert.equal(await moment({ scheduledDate: `${date}Z` }), 0);
    assert.equal((await g.tryCommand('user', 'set', 'tester', '--time-zone', 'Mars/Olympus')).code, 65);
    assert.equal((await g.json('sub-account', 'list'))[0].timeZone, '-0100');
  });
});

describe('expiry and windows', { concurrency: 4 }, () => {
  scenario('what has not left by its expiry ends in 101, is told, and never leaves', async w => {
    const r = await w.peer(Receiver.listen());
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc, webhook: r.url });
    const shut = await g.send(number(1), 'x', { timeWindow: [utcHour(12)], timeZone: 'UTC', expiresAt: Date.now() + 1000 });
    const s = await g.sent(shut, 101);
    assert.equal(s.sentStatus, 'EXPIRED');
    assert.match(await g.timeline(shut), /window_shut/);
    const call = await until('the webhook', () => r.of(shut)[0]);
    assert.equal(JSON.parse(call.body).sentStatusCode, 101);
    await smsc.close();
    const down = await g.send(number(2), 'x', { expiresAt: Date.now() + 1200 });
    await g.sent(down, 101);
    assert.match(await g.timeline(down), /link_down/);
    assert.equal(smsc.submits.length, 0);
  });

  scenario('an open window lets it leave, the rest of its validity goes with it; a shut one holds it', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const open = await g.send(number(1), 'x', { timeWindow: [utcHour(), utcHour(1)], timeZone: 'UTC', expiresInMinutes: 10 });
    const held = await g.send(number(2), 'x', { timeWindow: [utcHour(12)], timeZone: 'UTC' });
    await g.delivered(open, 4);
    const [, minutes, rest] = /^00000000(\d\d)(\d\d)000R$/.exec(smsc.submits[0].f.validity);
    const seconds = Number(minutes) * 60 + Number(rest);
    assert.ok(seconds > 580 && seconds <= 600, `${seconds} s of 10 minutes`);
    const m = await show(g, held);
    const opens = Math.floor(Date.now() / HOUR) * HOUR + 12 * HOUR;
    near(at(m.dueAt), opens, HOUR);
    near(at(m.expiresAt), at(m.dueAt) + DAY, 1000);
    await never('a shut window lets nothing out', () => smsc.submits.length > 1, 300);
    await g.kill();
    await g.start();
    await g.up();
    await never('nor after a restart', () => smsc.submits.length > 1, 300);
  });

  scenario('marketing obeys its sub-account\'s sending hours in the recipient\'s zone, transactional does not', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const hour = n => String((utcHour() - 3 + n + 48) % 24).padStart(2, '0'); // in Sao Paulo
    await g.command('sub-account', 'set', 'default', '--sending-hours', `quiet=${hour(-1)}:00-${hour(3)}:00`, '--holidays', '12-25');
    await g.delivered(await g.send(number(1)), 4); // still transactional
    await g.command('sub-account', 'set', 'default', '--class', 'marketing');
    const held = await g.send(number(2));
    const there = await g.send('819012345678'); // in Tokyo it is another hour
    await g.delivered(there, 4);
    const m = await show(g, held);
    assert.equal(m.state, 'queued');
    near(at(m.dueAt), Math.floor(Date.now() / HOUR) * HOUR + 3 * HOUR, HOUR);
    assert.equal(smsc.submits.length, 2);
    const [sub] = await g.json('sub-account', 'list');
    assert.match(sub.sendingHours, /quiet=/);
    assert.equal(sub.holidays, '12-25');
    await g.command('sub-account', 'set', 'default', '--sending-hours', 'mon=none');
    const r = await g.request('POST', '/v1/send-sms', { body: { destination: TO, messageText: 'x' } });
    assert.equal(r.status, 400, r.text);
    assert.equal(r.json.errorMessage, 'timeWindow: has no moment in common with the sub-account\'s sending hours');
    await g.command('sub-account', 'set', 'default', '--sending-hours', 'none');
    await g.delivered(await g.send(number(3)), 4);
    assert.equal((await g.tryCommand('sub-account', 'set', 'default', '--sending-hours', 'mon=20-8')).code, 65);
  });
});
