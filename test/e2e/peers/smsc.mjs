// smsc.mjs - an SMSC made of npm smpp. What it does with a submit_sm is scripted by a test (onSubmit); otherwise it accepts and,
// when a receipt was asked for, reports DELIVRD. Everything it saw is kept: submits with their raw octets, binds, answers to receipts.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
export const smpp = require('smpp');

// npm smpp decodes texts on its own judgement; the octets as they came are kept beside it.
const decode = smpp.PDU.prototype.fromBuffer;
smpp.PDU.prototype.fromBuffer = function fromBuffer(buffer) {
  Object.defineProperty(this, 'raw', { value: Buffer.from(buffer), enumerable: false });
  return decode.call(this, buffer);
};

const pick = (buffer, at) => { const end = buffer.indexOf(0, at); return [buffer.toString('latin1', at, end), end + 1]; };

// The fields of a submit_sm or deliver_sm, read from its octets (SMPP 3.4, 4.4.1) and from nothing else.
export function fields(raw) {
  const f = { status: raw.readUInt32BE(8), sequence: raw.readUInt32BE(12), tlv: new Map() };
  let at = 16;
  [f.serviceType, at] = pick(raw, at);
  [f.sourceTon, f.sourceNpi, at] = [raw[at], raw[at + 1], at + 2];
  [f.source, at] = pick(raw, at);
  [f.destTon, f.destNpi, at] = [raw[at], raw[at + 1], at + 2];
  [f.dest, at] = pick(raw, at);
  [f.esmClass, f.protocol, f.priority, at] = [raw[at], raw[at + 1], raw[at + 2], at + 3];
  [f.schedule, at] = pick(raw, at);
  [f.validity, at] = pick(raw, at);
  [f.registered, f.replace, f.coding, f.defaultMessage, at] = [raw[at], raw[at + 1], raw[at + 2], raw[at + 3], at + 4];
  f.text = raw.subarray(at + 1, at + 1 + raw[at]);
  at += 1 + raw[at];
  while (at < raw.length) {
    const tag = raw.readUInt16BE(at), n = raw.readUInt16BE(at + 2);
    f.tlv.set(tag, raw.subarray(at + 4, at + 4 + n));
    at += 4 + n;
  }
  return f;
}

// User data header and what follows it.
export function split(f) {
  const data = f.tlv.get(0x0424) ?? f.text;
  if (!(f.esmClass & 0x40)) return { udh: null, body: data };
  return { udh: data.subarray(0, data[0] + 1), body: data.subarray(data[0] + 1) };
}

export function receiptText({ id, stat = 'DELIVRD', err = '000', text = '' }) {
  const done = stat === 'DELIVRD' ? '001' : '000';
  return `id:${id} sub:001 dlvrd:${done} submit date:2611221200 done date:2611221201 stat:${stat} err:${err} text:${text}`;
}
const STATES = { ENROUTE: 1, DELIVRD: 2, EXPIRED: 3, DELETED: 4, UNDELIV: 5, ACCEPTD: 6, UNKNOWN: 7, REJECTD: 8 };

class Submit {
  constructor(smsc, link, pdu, n) {
    Object.assign(this, { smsc, link, pdu, n, at: Date.now(), raw: pdu.raw, f: fields(pdu.raw), to: pdu.destination_addr, from: pdu.source_addr });
    this.id = null; // once accepted
  }

  answer(more) { this.link.session.send(this.pdu.response(more)); }

  accept(id = this.smsc.newId()) {
    this.id = id;
    this.answer({ message_id: id });
    return id;
  }

  refuse(status) { this.answer({ command_status: status }); }

  nack(status = 3) {
    this.link.session.send(new smpp.PDU('generic_nack', { command_status: status, sequence_number: this.pdu.sequence_number }));
  }

  // A receipt for this submit, by default as the customary text on the bind that submitted. Resolves to what it was answered.
  receipt({ id = this.id, link = this.link, form = 'text', stat = 'DELIVRD', err = '000', esmClass = 4, text } = {}) {
    return this.smsc.deliver(link, {
      esm_class: esmClass, source_addr_ton: 1, source_addr_npi: 1, source_addr: this.to, dest_addr_ton: 3, destination_addr: this.from,
      short_message: form === 'tlv' ? Buffer.alloc(0) : Buffer.from(text ?? receiptText({ id, stat, err }), 'latin1'),
      ...(form === 'text' ? {} : { receipted_message_id: id, message_state: STATES[stat], network_error_code: Buffer.from([3, 0, Number(err)]) }),
    });
  }
}

export class Smsc {
  // password, bindStatus: what binds are judged by. onSubmit(submit): the script. tls: {key, cert} PEM texts.
  static async listen(options = {}) {
    const s = new Smsc(options);
    await s.open(options.port ?? 0);
    return s;
  }

  constructor({ onSubmit, password = 'secret', bindStatus = 0, tls, host = '127.0.0.1', answerEnquire = true, idFrom = 0x1000 } = {}) {
    Object.assign(this, { onSubmit, password, bindStatus, tls, host, answerEnquire });
    this.next = idFrom;
    this.submits = [];
    this.binds = []; // every bind request: {mode, systemId, systemType, status}
    this.links = []; // bound now: {session, mode}
    this.enquired = 0;
    this.unbinds = 0;
    this.errors = [];
    this.delivered = []; // {short, status} of every deliver_sm_resp
    this.sockets = new Set();
  }

  newId() { return (this.next++).toString(16).toUpperCase().padStart(8, '0'); }

  get url() { return `${this.tls ? 'smpps' : 'smpp'}://${this.host}:${this.port}`; }

  open(port = this.port) {
    this.server = smpp.createServer(this.tls ? { ...this.tls } : {}, session => this.#session(session));
    this.server.on('connection', socket => { this.sockets.add(socket); socket.on('close', () => this.sockets.delete(socket)); socket.on('error', () => {}); });
    this.server.on('tlsClientError', e => this.errors.push(e.message));
    return new Promise((resolve, reject) => {
      this.server.on('error', reject);
      this.server.listen(port, this.host, () => { this.port = this.server.address().port; resolve(this); });
    });
  }

  #session(session) {
    const link = { session, mode: null };
    session.setMaxListeners(0);
    session.on('error', e => this.errors.push(e.message));
    session.on('close', () => { this.links = this.links.filter(l => l !== link); });
    for (const mode of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
      session.on(mode, pdu => {
        const status = typeof this.bindStatus === 'function' ? this.bindStatus(pdu) : this.bindStatus || (pdu.password === this.password ? 0 : 0x0e);
        this.binds.push({ mode, systemId: pdu.system_id, systemType: pdu.system_type, status, version: pdu.interface_version, at: Date.now() });
        if (status) { session.send(pdu.response({ command_status: status })); session.close(); return; }
        link.mode = mode.slice(5);
        session.send(pdu.response({ system_id: 'TESTSMSC', sc_interface_version: 0x34 }));
        this.links.push(link);
      });
    }
    session.on('enquire_link', pdu => { this.enquired++; if (this.answerEnquire) session.send(pdu.response()); });
    session.on('unbind', pdu => { this.unbinds++; session.send(pdu.response()); session.close(); });
    session.on('submit_sm', pdu => {
      const s = new Submit(this, link, pdu, this.submits.length);
      this.submits.push(s);
      if (this.onSubmit) { this.onSubmit(s); return; }
      s.accept();
      if (s.f.registered & 1) s.receipt();
    });
  }

  get transmitter() { return this.links.find(l => l.mode !== 'receiver'); }
  get receiver() { return this.links.find(l => l.mode !== 'transmitter'); }

  to(number) { return this.submits.filter(s => s.to === number); }

  // deliver(link, pdu fields): the status of its answer, or 'lost' when the link went first.
  deliver(link, pdu, command = 'deliver_sm') {
    const target = link?.session?.closed === false && link.mode !== 'transmitter' ? link : this.receiver;
    if (!target) return Promise.resolve('lost');
    return new Promise(resolve => {
      const lost = () => resolve('lost');
      target.session.once('close', lost);
      const sent = target.session[command](pdu, answer => {
        target.session.removeListener('close', lost);
        this.delivered.push({ to: pdu.source_addr, status: answer.command_status });
        resolve(answer.command_status);
      });
      if (!sent) lost();
    });
  }

  // Octets that are no PDU, or whatever a test needs on the wire.
  raw(buffer, link = this.links[0]) { link.session.socket.write(buffer); }

  cut() { for (const s of this.sockets) s.destroy(); } // all links, at once

  async close() {
    this.cut();
    if (this.server?.listening) await new Promise(r => this.server.close(r));
  }
}
