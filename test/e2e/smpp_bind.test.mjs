// Links to an SMSC (npm smpp): how they are bound, lost and made again.
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe } from 'node:test';
import { connection, never, scenario, until } from './peers/gateway.mjs';
import { Smsc, smpp } from './peers/smsc.mjs';
import { selfSigned } from './peers/tls.mjs';

const TO = '5511900000001';
const closedPort = () => new Promise(r => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => r(port)); }); });

describe('binds', { concurrency: 4 }, () => {
  scenario('a transceiver carries a message and its receipt', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const id = await g.send(TO);
    const s = await g.delivered(id, 4);
    assert.equal(s.sentStatusCode, 2);
    assert.deepEqual(smsc.binds.map(b => [b.mode, b.systemId, b.version, b.status]), [['bind_transceiver', 'pombo', 0x34, 0]]);
    assert.equal(smsc.submits.length, 1);
    await until('its acknowledgement', () => smsc.delivered.length);
    assert.deepEqual(smsc.delivered, [{ to: TO, status: 0 }]);
    await g.stop();
    assert.equal(smsc.unbinds, 1, 'it unbinds when it ends');
    assert.deepEqual(smsc.errors, []);
  });

  scenario('transmitter and receiver: submits on the one, receipts on the other', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc, { mode: 'transmitter+receiver', binds: 2, profile: {}, window: 10 })] });
    await until('two pairs', () => smsc.links.length === 4);
    const ids = await g.bulk(Array.from({ length: 20 }, (_, i) => ({ destination: `55119000001${String(i).padStart(2, '0')}`, messageText: 'x' })));
    for (const id of ids) await g.delivered(id, 4);
    assert.deepEqual(smsc.links.map(l => l.mode).sort(), ['receiver', 'receiver', 'transmitter', 'transmitter']);
    assert.ok(smsc.submits.every(s => s.link.mode === 'transmitter'));
    await until('twenty acknowledgements', () => smsc.delivered.length === 20);
  });

  scenario('several binds share the work, and each has its window', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: () => {} }));
    const g = await w.gateway({ connections: [connection(smsc, { binds: 3, window: 4 })] });
    await g.up('main', 3);
    await g.bulk(Array.from({ length: 30 }, (_, i) => ({ destination: `55119000001${String(i).padStart(2, '0')}`, messageText: 'x' })));
    await until('full windows', () => smsc.submits.length === 12);
    await never('more than the windows hold', () => smsc.submits.length > 12, 300);
    for (const l of smsc.links) assert.equal(smsc.submits.filter(s => s.link === l).length, 4);
    smsc.onSubmit = s => s.accept();
    smsc.submits.slice(0, 12).forEach(s => s.accept());
    await until('the rest', () => smsc.submits.length === 30);
  });

  scenario('TLS with an authority of its own', async w => {
    const tls = await selfSigned(w);
    const smsc = await w.peer(Smsc.listen({ tls }));
    const g = await w.gateway({ connections: [connection(smsc, { tls_ca: tls.ca })] });
    await g.delivered(await g.send(TO), 4);
    assert.ok(smsc.submits[0].link.session.socket.encrypted);
  });

  scenario('TLS by name: the name must be the certificate\'s', async w => {
    const tls = await selfSigned(w, 'DNS:localhost');
    const smsc = await w.peer(Smsc.listen({ tls }));
    const good = connection(`smpps://localhost:${smsc.port}`, { name: 'good', tls_ca: tls.ca });
    const bad = connection(`smpps://127.0.0.1:${smsc.port}`, { name: 'bad', tls_ca: tls.ca });
    const g = await w.gateway({ connections: [good, bad], routes: [{ prefix: '', connections: ['good'] }] });
    await g.delivered(await g.send(TO), 4);
    await until('the reason in the log', () => /connection=bad .*why="[^"]*(certificate|mismatch)/i.test(g.log()));
    assert.equal(smsc.binds.length, 1, 'the password did not go to the wrong host');
  });

  scenario('TLS: who is not vouched for gets no password, unless that is wanted', async w => {
    const tls = await selfSigned(w);
    const smsc = await w.peer(Smsc.listen({ tls }));
    const strict = connection(smsc, { name: 'strict' }), lax = connection(smsc, { name: 'lax', tls_verify: false });
    const g = await w.gateway({ connections: [strict, lax], routes: [{ prefix: '', connections: ['strict', 'lax'] }] });
    await g.delivered(await g.send(TO), 4);
    await until('the reason in the log', () => /connection=strict .*why="[^"]*certificate/i.test(g.log()));
    assert.equal(smsc.binds.length, 1);
    assert.equal(await g.metric('pombo_connection_up', 'strict'), 0);
  });

  scenario('a wrong password is said, waited for, and cured by SIGHUP', async w => {
    const smsc = await w.peer(Smsc.listen({ password: 'other' }));
    const timers = { reconnect: '20ms', reconnect_max: '60s' };
    const g = await w.gateway({ connections: [connection(smsc, { timers })] });
    await until('a refused bind', () => smsc.binds.length > 0);
    await until('an error in the log', () => /^error .*connection=main/m.test(g.log()));
    await never('hammering', () => smsc.binds.length > 1, 600);
    assert.ok(!g.log().includes('secret'), 'the password is not in the log');
    const id = await g.send(TO);
    const list = await g.json('connection', 'list');
    assert.equal(list.carriers[0].up, false);
    g.configure({ connections: [connection(smsc, { password: 'other', timers })] });
    g.child.kill('SIGHUP');
    await g.delivered(id, 4);
  });

  scenario('already bound is waited out', async w => {
    let refuse = 1;
    const smsc = await w.peer(Smsc.listen({ bindStatus: () => (refuse-- > 0 ? 0x05 : 0) }));
    const g = await w.gateway({ smsc, user: false });
    await until('a refused bind', () => smsc.binds.length === 1);
    await until('the log', () => /to=backoff .*delay_ms=\d{4,}/.test(g.log()));
    await never('a bind while the old session may live', () => smsc.binds.length > 1, 500);
  });

  scenario('hosts are tried in turn: a dead one first', async w => {
    const dead = await closedPort();
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection([`smpp://127.0.0.1:${dead}`, smsc])] });
    await g.delivered(await g.send(TO), 4);
  });

  scenario('hosts are tried in turn: one that takes the connection and says nothing', async w => {
    const silent = net.createServer(c => c.on('error', () => {})), smsc = await w.peer(Smsc.listen());
    const sockets = new Set();
    silent.on('connection', c => sockets.add(c));
    await new Promise(r => silent.listen(0, '127.0.0.1', r));
    w.later(() => { for (const c of sockets) c.destroy(); return new Promise(r => silent.close(r)); });
    const g = await w.gateway({ connections: [connection([`smpp://127.0.0.1:${silent.address().port}`, smsc], { timers: { bind: '500ms' } })] });
    await g.delivered(await g.send(TO), 4);
    assert.equal(sockets.size, 1);
  });

  scenario('the second host takes over when the first one goes', async w => {
    const one = await w.peer(Smsc.listen()), two = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection([one, two])] });
    await g.delivered(await g.send(TO), 4);
    assert.equal(one.submits.length, 1);
    await one.close();
    await g.delivered(await g.send(TO), 4);
    assert.equal(two.submits.length, 1);
  });

  scenario('unbind by the SMSC: answered, nothing lost, bound again', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    await g.delivered(await g.send(TO), 4);
    const link = smsc.links[0];
    const answer = new Promise(r => link.session.unbind(r));
    const ids = await g.bulk(Array.from({ length: 50 }, (_, i) => ({ destination: `55119000001${String(i).padStart(2, '0')}`, messageText: 'x' })));
    assert.equal((await answer).command, 'unbind_resp');
    for (const id of ids) await g.delivered(id, 4);
    assert.ok(smsc.binds.length >= 2);
    assert.equal(new Set(smsc.submits.map(s => s.to)).size, smsc.submits.length, 'nothing twice');
  });

  scenario('garbage on the wire drops that link, and it comes back', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    const kinds = [
      Buffer.from('HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n'),
      Buffer.from('0000000080000004', 'hex'), // a length of 0
      Buffer.from('7fffffff800000040000000000000001', 'hex'), // a length nobody has
      Buffer.alloc(64, 0xff),
    ];
    for (const [n, garbage] of kinds.entries()) {
      await until('bound', () => smsc.links.length === 1);
      const link = smsc.links[0];
      smsc.raw(garbage);
      await until('that link closed', () => link.session.closed);
      await g.delivered(await g.send(`551190000020${n}`), 4);
    }
    assert.equal(smsc.binds.length, 1 + kinds.length);
    assert.ok(await g.metric('pombo_smpp_bad_pdus_total') >= 3);
  });

  scenario('a strange but well-formed PDU does not cost the link', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ smsc });
    await until('bound', () => smsc.links.length === 1);
    const { session } = smsc.links[0];
    const nack = new Promise(r => session.once('generic_nack', r));
    smsc.raw(Buffer.from('00000010000001110000000000000077', 'hex')); // a request nobody knows
    const pdu = await nack;
    assert.deepEqual([pdu.command_status, pdu.sequence_number], [3, 0x77]);
    smsc.raw(Buffer.from('00000010800000040000000000009999', 'hex')); // an answer to nothing
    smsc.raw(Buffer.from('00000010800001110000000000009999', 'hex')); // an unknown answer
    smsc.raw(Buffer.from('00000010800000000000000300000000', 'hex')); // a generic_nack to nothing
    const bad = new Promise(r => session.once('deliver_sm_resp', r));
    smsc.raw(Buffer.from('00000014000000050000000000000078ffffffff', 'hex')); // a deliver_sm with a broken body
    const { command_status: status } = await bad;
    assert.notEqual(status, 0);
    await g.delivered(await g.send(TO), 4);
    assert.equal(smsc.binds.length, 1);
  });

  scenario('PDUs in single octets, and many in one packet', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: () => {} }));
    const g = await w.gateway({ smsc });
    const ids = await g.bulk(Array.from({ length: 40 }, (_, i) => ({ destination: `55119000001${String(i).padStart(2, '0')}`, messageText: 'x' })));
    await until('submits', () => smsc.submits.length === 40);
    const packet = list => Buffer.concat(list.map(s => { s.id = smsc.newId(); return s.pdu.response({ message_id: s.id }).toBuffer(); }));
    smsc.raw(packet(smsc.submits.slice(0, 38)));
    const { socket } = smsc.links[0].session;
    socket.setNoDelay(true);
    for (const octet of packet(smsc.submits.slice(38))) {
      socket.write(Buffer.from([octet]));
      await new Promise(setImmediate);
    }
    for (const id of ids) await g.sent(id, 2);
  });

  scenario('enquire_link both ways', async w => {
    const smsc = await w.peer(Smsc.listen());
    const g = await w.gateway({ connections: [connection(smsc, { timers: { enquire_link: '1s' } })] });
    await until('an enquire_link from the gateway', () => smsc.enquired >= 2);
    const answer = await new Promise(r => smsc.links[0].session.enquire_link(r));
    assert.deepEqual([answer.command, answer.command_status], ['enquire_link_resp', 0]);
    assert.equal(smsc.binds.length, 1);
    await g.delivered(await g.send(TO), 4);
  });

  scenario('an SMSC that does not answer enquire_link any more is left, and what was out is in doubt', async w => {
    const smsc = await w.peer(Smsc.listen({ answerEnquire: false, onSubmit: () => {} }));
    const g = await w.gateway({ connections: [connection(smsc, { timers: { enquire_link: '300ms', response: '8s' } })] });
    const id = await g.send(TO);
    await until('a submit', () => smsc.submits.length === 1);
    const first = smsc.links[0];
    await until('that link dropped', () => first.session.closed);
    smsc.answerEnquire = true;
    smsc.onSubmit = null;
    await g.sent(id, 102);
    assert.equal(smsc.submits.length, 1);
    await g.delivered(await g.send(TO), 4);
  });

  scenario('their enquire_link is answered while the connection is throttled and the queue is long', async w => {
    const smsc = await w.peer(Smsc.listen({ onSubmit: s => s.refuse(smpp.ESME_RTHROTTLED) }));
    const g = await w.gateway({ connections: [connection(smsc, { timers: { throttle: '30s' } })] });
    await g.bulk(Array.from({ length: 500 }, (_, i) => ({ destination: `5511900${String(i).padStart(6, '0')}`, messageText: 'x' })));
    await until('throttled', () => smsc.submits.length > 0);
    const began = Date.now();
    for (let i = 0; i < 5; i++) await new Promise(r => smsc.links[0].session.enquire_link(r));
    assert.ok(Date.now() - began < 15000, 'before the pause was over');
    await g.kill(); // nobody waits for the pause
  });
});
