// The sandbox serves a second foreign ESME, Net::SMPP, and a third one, Kannel, where it is installed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe } from 'node:test';
import { scenario, until } from './peers/gateway.mjs';
import { Peer } from './peers/process.mjs';
import { Receiver } from './peers/receiver.mjs';
import { Sandbox } from './peers/sandbox.mjs';

const N = '551190000';
const hex = text => Buffer.from(text, 'latin1').toString('hex');

describe('other ESMEs of the sandbox', { concurrency: 2 }, () => {
  scenario('Net::SMPP: outcomes, receipts, replies', async w => {
    const s = await w.peer(Sandbox.start());
    const e = await w.peer(Peer.perl('esme.pl', s.port));
    assert.equal(e.lines[0].bound, 0);
    const outcome = { '0001': [0, 'DELIVRD'], 9101: [0, 'EXPIRED'], 9102: [0x0b], 9103: [0x45], 9104: [0, 'UNDELIV'], 9000: [0], 9001: [0, 'DELIVRD'], 9003: [0, 'DELIVRD'] };
    for (const digits of Object.keys(outcome)) e.say({ submit: N + digits, text: hex('Hello') });
    for (const [digits, [status, state]] of Object.entries(outcome)) {
      const answer = await until(`an answer for ${digits}`, () => e.lines.find(l => l.answer === N + digits));
      assert.equal(answer.status, status, digits);
      assert.equal(answer.id !== '', status === 0);
      if (!state) continue;
      const receipt = await until(`a receipt for ${digits}`, () => e.lines.find(l => l.deliver === N + digits));
      assert.match(Buffer.from(receipt.text, 'hex').toString(), new RegExp(`stat:${state}`));
      assert.equal(receipt.esm & 4, 4);
    }
    e.say({ submit: `${N}0002`, text: '00e100e700e3', data_coding: 8 });
    assert.equal((await s.message(`${N}0002`)).text, 'áçã');
    await s.json('POST', '/reply', { number: `${N}0002`, shortCode: '27182', text: 'Sim' });
    const mo = await until('an MO', () => e.lines.find(l => l.deliver === `${N}0002` && !(l.esm & 4)));
    assert.deepEqual([mo.text, mo.to, mo.coding], [hex('Sim'), '27182', 0]);
    await until('its receipt', () => e.lines.some(l => l.deliver === `${N}0002` && l.esm & 4));
    assert.equal(e.lines.filter(l => l.other).length, 0);
    e.say({ unbind: 1 });
    await until('unbound', () => e.lines.some(l => l.unbound === 0));
    assert.deepEqual(await e.gone, { code: 0, signal: null }, e.stderr);
  });

  const kannel = ['/usr/sbin/bearerbox', '/usr/sbin/smsbox'].every(f => fs.existsSync(f));
  scenario('Kannel: a text, its receipts, a reply', { skip: !kannel && 'Kannel is not installed' }, async w => {
    const s = await w.peer(Sandbox.start());
    const http = await w.peer(Receiver.listen());
    const dir = w.folder(), free = () => new Promise(r => { const x = net.createServer().listen(0, '127.0.0.1', () => { const { port } = x.address(); x.close(() => r(port)); }); });
    const [admin, box, api] = [await free(), await free(), await free()];
    fs.writeFileSync(path.join(dir, 'kannel.conf'), `
group = core
admin-port = ${admin}
admin-password = test
admin-interface = "127.0.0.1"
smsbox-port = ${box}
smsbox-interface = "127.0.0.1"
log-level = 1
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = sandbox
host = 127.0.0.1
port = ${s.port}
transceiver-mode = true
smsc-username = kannel
smsc-password = secret
system-type = ""
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = ${box}
sendsms-port = ${api}
sendsms-interface = "127.0.0.1"
log-level = 1

group = sendsms-user
username = test
password = test
concatenation = true
max-messages = 5

group = sms-service
keyword = default
get-url = "${http.url}/mo?from=%p&text=%a"
max-messages = 0
`);
    const start = program => {
      const child = spawn(program, ['-v', '1', path.join(dir, 'kannel.conf')], { cwd: dir, stdio: 'ignore' });
      const gone = new Promise(r => child.on('exit', r));
      w.later(async () => { child.kill('SIGTERM'); const t = setTimeout(() => child.kill('SIGKILL'), 5000); await gone; clearTimeout(t); });
    };
    const open = port => until(`port ${port}`, () => new Promise(r => { const c = net.connect(port, '127.0.0.1').on('connect', () => { c.destroy(); r(true); }).on('error', () => r(false)); }));
    start('/usr/sbin/bearerbox');
    await open(box);
    start('/usr/sbin/smsbox');
    await open(api);
    await until('a bind', async () => (await s.get('/status')).binds.length === 1);
    const send = (to, text, more = '') => fetch(`http://127.0.0.1:${api}/cgi-bin/sendsms?username=test&password=test&from=27182&to=${to}&text=${encodeURIComponent(text)}&charset=utf-8&dlr-mask=31&dlr-url=${encodeURIComponent(`${http.url}/dlr?to=${to}&type=%d`)}${more}`).then(r => r.text());
    await until('accepted', async () => /^0/.test(await send(`${N}0001`, 'Ola')));
    await s.message(`${N}0001`, m => m.status === 'delivered');
    const types = to => http.calls.filter(c => c.path.includes(`to=${to}`)).map(c => Number(/type=(\d+)/.exec(c.path)[1]));
    await until('delivered, by its receipt', () => types(`${N}0001`).includes(1));
    const long = 'um texto bem longo '.repeat(15);
    await send(`${N}0002`, long);
    assert.equal((await s.message(`${N}0002`, m => m.status === 'delivered')).text, long);
    await send(`${N}0003`, 'Olá, não!', '&coding=2');
    assert.equal((await s.message(`${N}0003`)).text, 'Olá, não!');
    await send(`${N}9104`, 'x');
    await until('not delivered', () => types(`${N}9104`).includes(2));
    await s.json('POST', '/reply', { number: `${N}0001`, shortCode: '27182', text: 'Sim' });
    await until('the reply', () => http.calls.some(c => /\/mo\?.*text=Sim/.test(c.path)));
  });
});
