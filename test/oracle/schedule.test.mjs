// schedule.test.mjs - zones, windows and sending hours against luxon, which has them from Node's ICU: another tz database, another
// algorithm. Where luxon asks "what does the clock show", minute by minute, the gateway jumps.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { DateTime, IANAZone } from 'luxon';
import { ask, below, pick, seed } from './ask.mjs';

const FOLDER = process.env.TZDIR ?? '/usr/share/zoneinfo';

// Two editions of the database agree about the near past; about what comes, and what was found out late, only when they are the same.
function edition() {
  try {
    return /version (\S+)/.exec(fs.readFileSync(path.join(FOLDER, 'tzdata.zi'), 'utf8').slice(0, 100))[1];
  } catch {
    return 'unknown';
  }
}
const SAME = edition() === process.versions.tz;
const FROM = Date.UTC(SAME ? 1972 : 2000, 0, 1) / 1000;
const TO = Date.UTC(SAME ? 2090 : 2022, 0, 1) / 1000;
const ZONES = fs.readFileSync(path.join(FOLDER, 'zone.tab'), 'utf8').split('\n').filter(l => l && !l.startsWith('#'))
  .map(l => l.split('\t')[2]).filter(z => IANAZone.isValidZone(z));
const LIVELY = ['America/Sao_Paulo', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Europe/Dublin', 'Africa/Casablanca',
  'Asia/Kathmandu', 'America/St_Johns', 'America/Nuuk', 'Antarctica/Troll', 'Asia/Gaza', 'Africa/Cairo'].filter(z => ZONES.includes(z));

const offset = (zone, seconds) => DateTime.fromSeconds(seconds, { zone }).offset * 60;

// Moments at which a zone changes its offset, found by halving.
const changes = {};
function changesOf(zone) {
  if (changes[zone]) return changes[zone];
  const found = [];
  for (let t = Date.UTC(2000, 0, 1) / 1000, step = 30 * 86400; t + step < Math.min(TO, Date.UTC(2045, 0, 1) / 1000); t += step) {
    let [low, high] = [t, t + step];
    if (offset(zone, low) === offset(zone, high)) continue;
    while (high - low > 1) {
      const mid = Math.floor((low + high) / 2);
      if (offset(zone, mid) === offset(zone, low)) low = mid; else high = mid;
    }
    found.push(high);
  }
  changes[zone] = found.length ? found : [FROM];
  return changes[zone];
}

// A moment, half of them close to a change of the clock.
function moment(zone) {
  if (below(2)) return FROM + below(TO - FROM);
  return pick(changesOf(zone)) + below(2 * 100000) - 100000;
}

const anyZone = () => (below(3) ? pick(LIVELY) : pick(ZONES));
const say = what => `seed ${seed}: ${what}`;

describe(`schedules against luxon (tz ${edition()} and ${process.versions.tz})`, () => {
  it('knows the zones that luxon knows', () => {
    assert.ok(ZONES.length > 300 && LIVELY.length > 8, `${ZONES.length} zones`);
    const answers = ask('schedule', ZONES.map(z => `offset ${z} 1600000000`));
    ZONES.forEach((z, i) => assert.equal(Number(answers[i]), offset(z, 1600000000), say(z)));
  });

  it('has their offsets at any moment', () => {
    const asked = Array.from({ length: 10000 }, () => { const zone = anyZone(); return { zone, at: moment(zone) }; });
    const answers = ask('schedule', asked.map(q => `offset ${q.zone} ${q.at}`));
    // luxon rounds to whole minutes what was local mean time (Monrovia until 1972)
    asked.forEach((q, i) => assert.ok(Math.abs(Number(answers[i]) - offset(q.zone, q.at)) < 60, say(`${q.zone} ${q.at}: ${answers[i]}, ${offset(q.zone, q.at)}`)));
  });

  it('reads civil times as luxon does, gaps and overlaps included', () => {
    const count = { once: 0, twice: 0, skipped: 0 };
    const asked = Array.from({ length: 8000 }, () => {
      const zone = anyZone();
      const at = below(4) ? pick(changesOf(zone)) + below(4 * 3600) - 2 * 3600 : moment(zone);
      // what some clock near that moment shows, or would have shown
      return { zone, civil: at + offset(zone, at + pick([0, -7200, 7200])) };
    });
    const answers = ask('schedule', asked.map(q => `instant ${q.zone} ${q.civil}`));
    asked.forEach((q, i) => {
      const [at, fit] = answers[i].split(' ');
      const shown = DateTime.fromSeconds(q.civil, { zone: 'utc' }).setZone(q.zone, { keepLocalTime: true });
      const all = shown.getPossibleOffsets().map(d => d.toSeconds()).filter(s => s + offset(q.zone, s) === q.civil).sort((a, b) => a - b);
      const what = say(`${q.zone} ${q.civil}: ${answers[i]}; luxon ${all}`);
      count[fit]++;
      if (fit === 'skipped') {
        // no clock shows it; the offset before the jump counts
        const before = q.civil - Number(at);
        assert.equal(all.length, 0, what);
        assert.ok(offset(q.zone, Number(at)) > before && [3600, 7200, 14400, 90000].some(back => offset(q.zone, Number(at) - back) === before), what);
      } else {
        assert.equal(Number(at), all[0], what);
        assert.equal(fit, all.length > 1 ? 'twice' : 'once', what);
      }
    });
    assert.ok(count.twice > 100 && count.skipped > 100, JSON.stringify(count));
  });

  // The rules as their documentation has them, asked of the clock luxon shows.
  const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  function allowed(q, ms) {
    const clock = DateTime.fromMillis(ms, { zone: q.zone });
    if (q.window.length && !q.window.includes(clock.hour)) return false;
    if (!q.sending) return true;
    const there = DateTime.fromMillis(ms, { zone: q.hoursZone });
    const minute = there.hour * 60 + there.minute;
    const [from, to] = q.sending.days[there.weekday % 7];
    if (minute < from || minute >= to) return false;
    const quiet = q.sending.quiet;
    if (!quiet) return true;
    return quiet[0] < quiet[1] ? minute < quiet[0] || minute >= quiet[1] : minute < quiet[0] && minute >= quiet[1];
  }
  const hhmm = m => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
  function question() {
    const zone = anyZone();
    const window = below(8) ? Array.from({ length: 24 }, (_, h) => h).filter(() => !below(pick([1, 2, 4, 12]))) : [];
    const q = { zone, window, hoursZone: anyZone(), ms: moment(zone) * 1000 + below(1000) };
    if (below(2)) return q;
    q.window = below(2) ? [] : window;
    q.sending = {
      days: DAYS.map(() => { const from = below(1000); return below(4) ? [from, from + 60 + below(1440 - from - 60)] : [0, 0]; }),
      quiet: below(2) ? [below(1440), below(1440)] : null,
    };
    if (q.sending.quiet && q.sending.quiet[0] === q.sending.quiet[1]) q.sending.quiet = null;
    return q;
  }
  function line(q) {
    const mask = q.window.reduce((m, h) => m | 1 << h, 0);
    const words = q.sending ? q.sending.days.map(([f, t], i) => `${DAYS[i]}=${f === t ? 'none' : `${hhmm(f)}-${hhmm(t)}`}`) : [];
    if (q.sending?.quiet) words.push(`quiet=${hhmm(q.sending.quiet[0])}-${hhmm(q.sending.quiet[1])}`);
    return `next ${q.zone} ${mask} ${q.hoursZone} ${q.ms} ${words.join(' ')}`;
  }
  const LIMIT = 4 * 1440;

  it('finds the next allowed moment, and when that ends', () => {
    const asked = Array.from({ length: 400 }, question);
    const answers = ask('schedule', asked.map(line));
    let jumps = 0;
    asked.forEach((q, i) => {
      const [next, shuts] = answers[i].split(' ').map(s => (s === 'never' ? Infinity : Number(s)));
      const what = say(`${line(q)}: ${answers[i]}`);
      if (allowed(q, q.ms)) {
        assert.equal(next, q.ms, what);
      } else {
        // offsets and rules change at whole minutes only
        let at = Math.floor(q.ms / 60000) * 60000 + 60000;
        let steps = 0;
        while (steps < LIMIT && !allowed(q, at)) { at += 60000; steps++; }
        if (steps === LIMIT) assert.ok(next >= at, what); else assert.equal(next, at, what);
        jumps++;
      }
      if (next === Infinity) return;
      let end = Math.floor(next / 60000) * 60000 + 60000;
      let steps = 0;
      while (steps < 1440 && allowed(q, end)) { end += 60000; steps++; }
      if (steps === 1440) assert.ok(shuts >= end, what); else assert.equal(shuts, end, what);
    });
    assert.ok(jumps > 60, `${jumps} jumps`);
  });
});
