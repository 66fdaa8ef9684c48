// esme.mjs - a third-party ESME: npm smpp as a client.
import assert from 'node:assert/strict';
import { smpp, fields } from './smsc.mjs';
import { until } from './gateway.mjs';

export class Esme {
  static async bind(port, { mode = 'transceiver', tls = false, systemId = 'npm', password = 'secret', version = 0x34, answer = true } = {}) {
    const e = new Esme();
    e.answer = answer;
    e.session = smpp.connect({ host: '127.0.0.1', port, tls, rejectUnauthorized: false });
    e.session.on('error', error => e.errors.push(error.message));
    e.session.on('close', () => { e.closed = true; });
    e.session.on('deliver_sm', pdu => {
      e.delivered.push({ ...fields(pdu.raw), pdu, at: Date.now() });
      if (e.answer) e.session.send(pdu.response());
    });
    e.session.on('enquire_link', pdu => { e.enquired++; e.session.send(pdu.response()); });
    await new Promise(r => e.session.once(tls ? 'secureConnect' : 'connect', r));
    e.bound = await e.request(`bind_${mode}`, { system_id: systemId, password, interface_version: version });
    return e;
  }

  constructor() { Object.assign(this, { delivered: [], errors: [], enquired: 0, closed: false }); }

  // The response, or 'closed' when the link went first.
  request(command, body = {}) {
    return new Promise(resolve => {
      const closed = () => resolve('closed');
      this.session.once('close', closed);
      this.session[command](body, answer => { this.session.removeListener('close', closed); resolve(answer); });
    });
  }

  submit(to, text = 'Ola', more = {}) {
    return this.request('submit_sm', { source_addr: '27182', source_addr_ton: 3, destination_addr: to, dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1, short_message: text, ...more });
  }

  // What came from a number: receipts, or with mo also its messages.
  from(number) { return this.delivered.filter(d => d.source === number); }

  receipts(number, n = 1) {
    return until(() => `${n} receipts from ${number}, of ${this.from(number).map(d => d.text)}`, () => {
      const list = this.from(number).filter(d => d.esmClass & 4);
      return list.length >= n && list;
    });
  }

  async close() {
    if (!this.closed) this.session.destroy();
  }
}

export const stat = d => /stat:(\w+)/.exec(d.text.toString('latin1'))?.[1];
export const idOf = d => /id:(\S+)/.exec(d.text.toString('latin1'))?.[1];
export const ok = r => { assert.equal(r.command_status, 0, JSON.stringify(r)); return r; };
