// documents.mjs - what the samples of the two SMS documents need: a gateway with the users they name, and whether an answer is like a
// printed one.
import assert from 'node:assert/strict';
import { SECRET, connection } from './gateway.mjs';
import { Receiver } from './receiver.mjs';
import { Smsc } from './smsc.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;

// The name that the printed command lines have, blank and accent included. Its e-mail address stands for it elsewhere.
export const USER_NAME = 'Usuário Movile Messaging';

// The members of `sample` in their order, then nothing but `more`; types alike, lists as long as they are here.
export function like(answer, sample, more = [], at = '') {
  if (Array.isArray(sample)) {
    assert.ok(Array.isArray(answer), `${at}: an array`);
    if (sample.length) answer.forEach((a, i) => like(a, sample[Math.min(i, sample.length - 1)], more, `${at}[${i}]`));
  } else if (sample && typeof sample === 'object') {
    const printed = Object.keys(sample);
    assert.deepEqual(Object.keys(answer).filter(k => printed.includes(k)), printed, `${at}: the printed members in their order`);
    assert.deepEqual(Object.keys(answer).filter(k => !printed.includes(k)).sort(), [...more].sort(), `${at}: what is beside them`);
    for (const k of printed) like(answer[k], sample[k], [], `${at}.${k}`);
  } else {
    assert.equal(typeof answer, typeof sample, at);
    if (/[aA]t$/.test(at)) assert.ok(answer > 1e12, `${at}: milliseconds`);
    if (/(Date|\.start|\.end)$/.test(at)) assert.match(answer, DATE, at);
    if (/\.id$/.test(at)) assert.match(answer, UUID, at);
  }
}
export const without = (object, ...names) => Object.fromEntries(Object.entries(object).filter(([k]) => !names.includes(k)));
export const ok = r => { assert.equal(r.status, 200, r.text); assert.ok(!r.text.includes('errorCode')); return r.json; };

async function addUser(g, user, name, email, ...more) {
  const { stdout } = await g.command('user', 'add', '--username', name, '--email', email, ...more);
  user[email.split('@')[0]] = { username: email, authenticationtoken: /token: (\S+)/.exec(stdout)[1] };
}

// Its users by the first half of their mail addresses: credentials.
export async function printedGateway(w) {
  const user = {};
  const smsc = await w.peer(Smsc.listen());
  const hooks = await w.peer(Receiver.listen());
  const g = await w.gateway({
    user: false, connections: [connection(smsc, { source: '28128' })],
    operators: [{ id: 1, name: 'VIVO', prefixes: ['55119', '55169'] }, { id: 5, name: 'TIM', prefixes: ['55199'] }],
    sms: { short_codes: ['27182', '28149', '28128', '28130', '28131'] },
  });
  await addUser(g, user, USER_NAME, 'system@example.com', '--role', 'regular', '--sub-account', 'default');
  await addUser(g, user, 'iFoodCS', 'cs@example.com', '--role', 'regular', '--sub-account', 'Marketing');
  await addUser(g, user, 'CS', 'get@example.com', '--role', 'regular', '--sub-account', 'Marketing');
  await addUser(g, user, 'admin', 'admin@example.com', '--role', 'administrator');
  await addUser(g, user, 'shop', 'shop@example.com', '--role', 'regular', '--sub-account', 'referencia_subconta');
  await addUser(g, user, 'food', 'food@example.com', '--role', 'regular', '--sub-account', 'iFoodMarketing');
  await g.command('webhook', 'set', '--username', USER_NAME, '--sent', `${hooks.url}/callback/`, '--delivered', `${hooks.url}/dr`, '--secret', SECRET);
  await g.command('webhook', 'set', '--username', 'iFoodCS', '--mo', `${hooks.url}/mo`, '--secret', SECRET);
  await g.command('webhook', 'set', '--username', 'CS', '--mo', `${hooks.url}/mo?key=1`, '--mo-method', 'GET', '--secret', SECRET);
  await g.up();
  return { g, smsc, hooks, user };
}
