// tshark reads along on the loopback and judges the bytes: no PDU of the gateway may be malformed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import path from 'node:path';
import { describe } from 'node:test';
import { connection, run, scenario, until } from './peers/gateway.mjs';
import { Smsc, split } from './peers/smsc.mjs';

const number = i => `5511900${String(i).padStart(6, '0')}`;
const skip = process.getuid() === 0 ? false : 'capturing packets needs root';

async function capture(w, port) {
  const file = path.join(w.folder(), 'smpp.pcapng');
  const child = spawn('tshark', ['-i', 'lo', '-f', `port ${port}`, '-B', '16', '-w', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise(r => child.on('exit', r));
  let said = '';
  child.stderr.on('data', c => { said += c; });
  w.later(async () => { child.kill('SIGKILL'); await gone; });
  await until(() => `the capture: ${said}`, () => /Capturing on/.test(said));
  // It says so a moment before it listens: what it has seen of these datagrams proves that it does.
  const knock = dgram.createSocket('udp4');
  await until('a first packet in the file', async () => {
    knock.send('knock', port, '127.0.0.1');
    return (await run('tshark', ['-r', file, '-Y', 'udp', '-T', 'fields', '-e', 'frame.number'])).stdout;
  });
  knock.close();
  const read = async (...args) => {
    const r = await run('tshark', ['-r', file, '-d', `tcp.port==${port},smpp`, ...args], { timeout: 30000 });
    assert.equal(r.code, 0, r.stderr);
    return r.stdout;
  };
  // The packets come through the kernel's buffer: it is over when the last of them is in the file.
  const finish = async done => {
    await until('the last packet in the file', async () => done(await run('tshark', ['-r', file, '-d', `tcp.port==${port},smpp`, '-Y', 'smpp', '-T', 'fields', '-e', 'smpp.command_id'])));
    child.kill('SIGINT');
    await gone;
  };
  return { read, finish };
}
const ids = text => text.split(/[\s,]+/).filter(Boolean).map(Number);

describe('tshark as judge', () => {
  scenario('a busy run has no malformed PDU, and every submit_sm dissects', { skip }, async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: async s => {
      const n = Number(s.to.slice(-1));
      if (n === 7) { s.refuse(0x0b); return; }
      if (n === 8) { s.nack(); return; }
      if (n === 9 && !s.smsc.to(s.to).slice(0, -1).some(x => x.f.text.equals(s.f.text))) { s.refuse(0x58); return; }
      if (n === 3) await s.receipt({ id: s.id = s.smsc.newId(), form: 'both' });
      s.accept(s.id ?? undefined);
      if (n !== 3) s.receipt({ form: ['text', 'tlv', 'both'][n % 3] });
    } }));
    const eavesdropper = await capture(w, smsc.port);
    const joins = ['udh8', 'udh16', 'sar', 'payload', 'none'];
    const connections = joins.map(join => connection(smsc, { name: join, binds: 2, profile: { join, validity: join === 'sar' ? 'absolute' : 'relative' }, timers: { enquire_link: '1s' } }));
    const g = await w.gateway({ connections, routes: joins.map((join, i) => ({ prefix: `55119${i}`, connections: [join] })) });
    const texts = ['Ola', 'Olá, não está', '[€]{}', 'a'.repeat(161), `${'ã'.repeat(66)}😀 fim`, 'Ola '.repeat(200), 'x'];
    const messages = Array.from({ length: 350 }, (_, i) => ({ destination: number(i).replace(/^55119./, `55119${i % 5}`), messageText: texts[i % texts.length], flashSms: i % 11 === 0 }));
    const sent = await g.bulk(messages);
    for (const id of sent) await g.status(id);
    smsc.raw(Buffer.from('00000010000000770000000000000077', 'hex')); // a request nobody knows
    await until('all receipts answered', async () => smsc.delivered.length === await g.metric('pombo_receipts_total') && smsc.delivered.length > 300);
    await until('an enquire_link', () => smsc.enquired > 0);
    await g.stop();

    const submits = smsc.submits.length;
    await eavesdropper.finish(r => r.stdout && ids(r.stdout).filter(c => c === 0x80000006).length === smsc.unbinds && smsc.unbinds === 10);
    assert.equal(await eavesdropper.read('-Y', '_ws.malformed'), '', 'malformed');
    assert.equal(await eavesdropper.read('-Y', 'smpp && _ws.expert.severity == error'), '', 'expert errors');
    const all = ids(await eavesdropper.read('-Y', 'smpp', '-T', 'fields', '-e', 'smpp.command_id'));
    const count = id => all.filter(c => c === id).length;
    assert.equal(count(0x00000004), submits, 'every submit_sm is one for tshark too');
    assert.equal(count(0x80000005), smsc.delivered.length);
    assert.ok(count(0x00000015) > 0 && count(0x00000015) === count(0x80000015), `enquire_link: ${count(0x15)} and ${count(0x80000015)} answers, ${smsc.enquired} seen`);
    assert.equal(count(0x00000009), 10);
    assert.equal(count(0x00000006), 10);
    assert.ok(all.every(c => [4, 5, 6, 9, 0x15, 0x77, 0].includes(c & 0x7fffffff)), 'nothing else');

    // What tshark reads out of the fields is what was asked for.
    const dissected = await eavesdropper.read('-Y', 'smpp.command_id == 4', '-T', 'fields', '-e', 'smpp.destination_addr', '-e', 'smpp.dest_addr_npi', '-e', 'smpp.regdel.receipt');
    const fields = dissected.trim().split('\n').map(l => l.split('\t').map(f => f.split(',')));
    assert.deepEqual(fields.flatMap(f => f[0]).filter(Boolean).sort(), smsc.submits.map(s => s.to).sort());
    assert.ok(smsc.submits.some(s => split(s.f).udh) && smsc.submits.some(s => s.f.tlv.has(0x020c)) && smsc.submits.some(s => s.f.tlv.has(0x0424)));
  });

  scenario('national shift tables: tshark finds the language in the header of every part', { skip }, async w => {
    const smsc = await w.peer(Smsc.listen());
    const eavesdropper = await capture(w, smsc.port);
    const joins = ['udh8', 'udh16'];
    const g = await w.gateway({
      connections: joins.map(join => connection(smsc, { name: join, profile: { join, accents: 'single_shift' } })),
      routes: joins.map((join, i) => ({ prefix: `55119${i}`, connections: [join] })),
    });
    // 3GPP TS 23.038 section 6.2.1.2.4: 2 Spanish, 3 Portuguese.
    const texts = [['não', 3, 1], ['ã'.repeat(78), 3, 2], ['¿Qué día?', 2, 1], [`¡Mañana! ${'á'.repeat(150)}`, 2, 3]];
    const messages = texts.flatMap(([messageText], i) => joins.map((_, k) => ({ destination: `55119${k}000000${i}`, messageText })));
    for (const id of await g.bulk(messages)) await g.delivered(id, 4);
    await g.stop();
    await eavesdropper.finish(r => r.stdout && ids(r.stdout).filter(c => c === 0x80000006).length === smsc.unbinds && smsc.unbinds === 2);
    assert.equal(await eavesdropper.read('-Y', '_ws.malformed'), '', 'malformed');
    const fields = ['smpp.destination_addr', 'gsm_sms.dis_iei_lang.single_shift', 'gsm_sms.dis_iei_lang.locking_shift', 'smpp.esm.submit.features'];
    const out = await eavesdropper.read('-Y', 'smpp.command_id == 4', '-T', 'fields', ...fields.flatMap(f => ['-e', f]));
    const list = n => out.trim().split('\n').flatMap(l => (l.split('\t')[n] ?? '').split(',')).filter(Boolean);
    assert.deepEqual(list(0).sort(), smsc.submits.map(s => s.to).sort());
    assert.deepEqual(list(1).map(Number).sort(), texts.flatMap(([, language, parts]) => Array(2 * parts).fill(language)).sort());
    assert.deepEqual(list(2), [], 'no locking shift');
    assert.deepEqual([...new Set(list(3).map(Number))], [1], 'every one has the UDH indicator');
  });
});
