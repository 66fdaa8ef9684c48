// times.mjs - the crash test's messages that leave later, or never: what each was promised, who withdraws some of them, and the judge.
// Nothing is judged by how long something took. Too early is the carrier's clock before the promised moment; too late is a link that came
// up after the last moment and yet carried the message. The judge's clock and the gateway's are the same.
//   schedules     scheduledAt, scheduledDate: not before
//   expiries      101 and never submitted, or in time; with the carrier away, or the whole process
//   windows       hours of a zone made for this run, whose clock turns to the next hour while messages are under way
//   cancellation  of messages by id and by correlationId, of batches, of campaigns: what was answered `cancelled` never leaves
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const ZONE = 'Crash/Hour';

// A folder of zones: the system's, and one whose hour ends in turnsIn ms. Returns its offset in ms.
function makeZone(dir, folder, turnsAt) {
  const offset = 3600 - (Math.floor(turnsAt / 1000) % 3600), hms = [0, Math.floor(offset / 60) % 60, offset % 60];
  if (offset === 3600) hms[0] = 1;
  const source = path.join(dir, 'zones'), system = process.env.TZDIR ?? '/usr/share/zoneinfo';
  fs.mkdirSync(folder);
  for (const name of fs.readdirSync(system)) fs.symlinkSync(path.join(system, name), path.join(folder, name));
  fs.writeFileSync(source, `Zone ${ZONE} ${hms.map(x => String(x).padStart(2, '0')).join(':')} - CRT\n`);
  execFileSync('/usr/sbin/zic', ['-d', folder, source]);
  return offset * 1000;
}

export function createTimes({ dir, random, turnsIn }) {
  const folder = path.join(dir, 'zoneinfo'), turns = Math.ceil((Date.now() + turnsIn) / 1000) * 1000;
  const offset = makeZone(dir, folder, turns);
  const hour = new Date(turns + offset).getUTCHours(), before = (hour + 23) % 24; // of the zone, after and before it turns
  const promises = new Map(); // destination -> { notBefore, until, begun, cancelAsked }: the moments of epoch ms
  const early = [], late = [], wishes = [], cancelled = new Set(), spared = [], asleepIds = [];
  const results = {};
  let kinds = 0, more = true, waves = 0;

  const promise = (to, p, fields) => { promises.set(to, p); return fields; };
  const ahead = (from, to) => Date.now() + from + Math.floor(random() * (to - from));
  const wish = (body, in_, done) => wishes.push({ body, at: Date.now() + in_, done });

  const later = to => { const at = ahead(500, 3000); return promise(to, { notBefore: at }, { scheduledAt: at }); };
  const dated = to => { // in whole seconds of local time
    const at = Math.ceil(ahead(500, 2500) / 1000) * 1000;
    return promise(to, { notBefore: at }, { scheduledDate: new Date(at + offset).toISOString().slice(0, 19), timeZone: ZONE });
  };
  const expiring = to => { const until = ahead(250, 1500); return promise(to, { until }, { expiresAt: until }); };
  const laterExpiring = to => {
    const at = ahead(300, 2000), until = at + 200 + Math.floor(random() * 800);
    return promise(to, { notBefore: at, until }, { scheduledAt: at, expiresAt: until });
  };
  const nextHour = to => promise(to, { notBefore: turns }, { timeWindow: [hour], timeZone: ZONE });
  const thisHour = to => { // what has not left when it turns waits for tomorrow, and does not live so long
    const until = Math.max(turns, Date.now()) + 1500;
    return promise(to, { until, shuts: turns }, { timeWindow: [before], timeZone: ZONE, expiresAt: until });
  };
  // Cancelled while it waits, or about the moment it leaves.
  const withdrawn = to => { const at = ahead(2000, 4000); return promise(to, { notBefore: at, cancelAsked: true }, { scheduledAt: at, correlationId: to }); };
  const contested = to => { const at = ahead(300, 900); return promise(to, { notBefore: at, cancelAsked: true, contested: true }, { scheduledAt: at, correlationId: to }); };
  const KINDS = [null, later, null, dated, null, expiring, null, laterExpiring, nextHour, thisHour, withdrawn, contested];

  async function answered(request, body) {
    const r = await request('POST', '/admin/v1/messages/cancel', JSON.stringify(body));
    return r.status === 200 ? JSON.parse(r.text) : null;
  }
  function note(answer) {
    for (const m of answer.messages) {
      results[m.result] = (results[m.result] ?? 0) + 1;
      if (m.result === 'cancelled') cancelled.add(m.id);
    }
  }

  return {
    folder, withdrawn,
    some: to => KINDS[kinds++ % KINDS.length]?.(to) ?? {},

    // A 200 came for a request that was begun then.
    accepted(id, to, begun) {
      const p = promises.get(to);
      if (!p) return;
      Object.assign(p, { id, begun });
      if (!p.cancelAsked || p.batch) return;
      const wait = p.contested ? Math.max(p.notBefore - Date.now() - 50 + random() * 100, 0) : random() * 1500;
      wish(random() < 0.5 ? { ids: [id] } : { correlationIds: [to] }, wait);
    },

    // The carrier has it, on a link that is up since then.
    arrived(to, upSince) {
      const p = promises.get(to), now = Date.now();
      if (!p) return;
      if (p.notBefore && now < p.notBefore) early.push(`${to} ${p.notBefore - now} ms`);
      for (const last of [p.until, p.shuts]) if (last && upSince >= last) late.push(`${to} ${upSince - last} ms`);
    },

    // Sends a bulk that will be withdrawn whole.
    async batch(make, send) {
      const body = make(10);
      for (const m of body.messages) promises.get(m.destination).batch = true;
      const r = await send(true, body);
      if (r) wish({ batchId: r.batch }, random() * 1500, answer => { if (answer.batch.result !== 'cancelled') throw new Error(`batch ${r.batch}: ${answer.batch.result}`); });
    },

    // A campaign that is cancelled: what of it came before and would leave later does not leave, what comes afterwards does.
    async wave(make, send) {
      const alias = `wave ${++waves}`;
      const messages = make(12, withdrawn);
      for (const m of messages) promises.get(m.destination).batch = true;
      const r = await send(true, { messages, defaultValues: { campaignAlias: alias } });
      if (!r) return;
      wish({ campaignAlias: alias.toUpperCase() }, random() * 1500, async answer => {
        const now = Date.now();
        if (answer.campaign.result !== 'cancelled') throw new Error(`${alias}: ${answer.campaign.result}`);
        for (const m of messages) if (promises.get(m.destination).notBefore > now) cancelled.add(promises.get(m.destination).id);
        const after = await send(true, { messages: make(3, to => promise(to, { notBefore: 0 }, {})), defaultValues: { campaignAlias: alias } });
        if (after) spared.push(...after.ids);
      });
    },

    // Messages that come due and expire while the process is not there. Returns who waits for that, once it is dead.
    async asleep(make, send) {
      const at = Date.now() + 1000, until = at + 300;
      const r = await send(true, { messages: Array.from({ length: 10 }, () => make(to => promise(to, { notBefore: at, until }, { scheduledAt: at, expiresAt: until }))) });
      return async sleep => {
        if (r && Date.now() < at) asleepIds.push(...r.ids);
        while (Date.now() <= until) await sleep(20);
      };
    },

    // Carries the wishes out, each until it was answered.
    async withdraw(request) {
      while (more || wishes.length) {
        const w = wishes.filter(x => x.at <= Date.now());
        for (const x of w) wishes.splice(wishes.indexOf(x), 1);
        await Promise.all(w.map(async x => {
          let answer = null;
          try { answer = await answered(request, x.body); } catch { /* the process is gone */ }
          if (!answer) { x.at = Date.now() + 50; wishes.push(x); return; }
          note(answer);
          await x.done?.(answer);
        }));
        await new Promise(r => setTimeout(r, 20));
      }
    },
    noMore() { more = false; },
    mayEnd: to => { const p = promises.get(to); return p !== undefined && (p.until !== undefined || p.cancelAsked === true); },
    summary: () => `cancellations ${JSON.stringify(results)}`,

    async judge({ check, some, found, stored, campaigns, reached, request }) {
      const all = [...promises].filter(([, p]) => p.id), code = p => found.get(p.id)?.sentStatusCode, id = ([, p]) => p.id;
      const reasons = new Map(stored.map(m => [m.id, m.reason]));
      const scheduled = all.filter(([to, p]) => p.notBefore && reached.get(to)), expired = all.filter(([, p]) => p.until && code(p) === 101);
      check(scheduled.length > 50 && early.length === 0, `nothing left before its time (${scheduled.length} scheduled)`, early.slice(0, 5).join(', '));
      check(late.length === 0, 'nothing left over a link that came up after its expiry, or after its hours', late.slice(0, 5).join(', '));
      check(expired.length > 10, `${expired.length} expired`);
      some('what ended in 101 never reached the carrier', all.filter(([to, p]) => code(p) === 101 && reached.get(to)).map(id));
      some('what had no end to wait for did not end so', all.filter(([, p]) => !p.until && !p.cancelAsked && code(p) === 101).map(id));
      const shut = all.filter(([, p]) => p.shuts && p.begun >= p.shuts);
      check(shut.length > 0, `${shut.length} came when their hours were over`);
      some('they ended in 101, their window being shut', shut.filter(([, p]) => code(p) !== 101 || reasons.get(p.id) !== 'window_shut').map(id));
      check(asleepIds.length > 0, `${asleepIds.length} came due and expired while the process was not there`);
      some('they ended in 101', asleepIds.filter(x => found.get(x)?.sentStatusCode !== 101));
      const told = [...cancelled], to = new Map(all.map(([number, p]) => [p.id, number]));
      check(told.length > 50, `${told.length} were answered cancelled (${JSON.stringify(results)}, ${waves} campaigns)`);
      some('each of them ended in 101, reason cancelled', told.filter(x => found.get(x)?.sentStatusCode !== 101 || reasons.get(x) !== 'cancelled'));
      some('none of them reached the carrier', told.filter(x => reached.get(to.get(x))));
      some('nothing else ended as cancelled', all.filter(([, p]) => reasons.get(p.id) === 'cancelled' && !p.cancelAsked).map(id));
      check(spared.length > 0, `${spared.length} came after their campaign was cancelled`);
      some('they left', spared.filter(x => ![2, 102].includes(found.get(x)?.sentStatusCode)));
      const known = new Map(campaigns.map(c => [c.campaignAlias, c.campaignId])), of = stored.filter(m => m.campaign);
      check(of.length > 50 && of.every(m => m.campaignId > 0 && known.get(m.campaign) === m.campaignId), `each of ${of.length} messages of campaigns has one that is registered`, `${of.find(m => known.get(m.campaign) !== m.campaignId)?.id}`);
      const orders = JSON.parse((await request('GET', '/admin/v1/messages/orders')).text).orders.filter(o => o.done !== true);
      check(orders.length === 0, 'no cancellation of a campaign is left undone', JSON.stringify(orders.slice(0, 3)));
    },
  };
}
