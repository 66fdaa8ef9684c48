// What leaves on the wire for a text: octets, coding, parts and how they are tied together, addresses, validity. Compared with the
// octets of the submit_sm, not with what a library reads into them.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { connection, scenario } from './peers/gateway.mjs';
import { Smsc, smpp, split } from './peers/smsc.mjs';

const TO = '5511900000001';
const gsm = text => smpp.encodings.ASCII.encode(text); // npm smpp's GSM 03.38 table is the judge
const ucs2 = text => Buffer.from(text, 'utf16le').swap16();
const hex = b => Buffer.from(b).toString('hex');

async function world(w, profile, more = {}, sms = {}) {
  const smsc = await w.peer(Smsc.listen());
  const g = await w.gateway({ connections: [connection(smsc, { profile, ...more })], sms });
  // The parts of one message, in the order they came.
  const parts = async (text, body, to = TO) => {
    const id = await g.send(to, text, body);
    await g.delivered(id, 4);
    return smsc.submits.splice(0).map(s => s.f);
  };
  return { smsc, g, parts };
}

describe('text on the wire', { concurrency: 4 }, () => {
  scenario('GSM 03.38: every character, the extension table, @ as 0x00', async w => {
    const { parts } = await world(w);
    const basic = '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
    let [f] = await parts(basic);
    assert.deepEqual([f.coding, f.esmClass, f.text.length], [0, 0, 127]);
    assert.equal(hex(f.text), hex(gsm(basic)));
    assert.equal(f.text[0], 0);
    [f] = await parts('a^{}\\[~]|€@');
    assert.equal(hex(f.text), '611b141b281b291b2f1b3c1b3d1b3e1b401b6500');
    [f] = await parts('€'.repeat(80));
    assert.equal(f.text.length, 160, '80 of the extension table fit one part');
    assert.equal((await parts('€'.repeat(80) + 'a')).length, 2);
  });

  scenario('UCS-2: Portuguese letters, emoji as surrogate pairs, composed letters', async w => {
    const { parts } = await world(w);
    let [f] = await parts('Olá, não está 😀👨‍👩‍👧');
    assert.deepEqual([f.coding, f.esmClass], [8, 0]);
    assert.equal(hex(f.text), hex(ucs2('Olá, não está 😀👨‍👩‍👧')));
    [f] = await parts('na\u0303o \u0041\u030a'); // decomposed: NFC makes the second one Å, the first one ã
    assert.equal(hex(f.text), hex(ucs2('não Å')));
    [f] = await parts('ã'.repeat(70));
    assert.equal(f.text.length, 140);
    assert.equal((await parts('ã'.repeat(71))).length, 2);
  });

  scenario('flash is message class 0', async w => {
    const { parts } = await world(w);
    assert.equal((await parts('Ola', { flashSms: true }))[0].coding, 0x10);
    assert.equal((await parts('Olá', { flashSMS: 'true' }))[0].coding, 0x18);
    assert.equal((await parts('Ola', { flashSms: false }))[0].coding, 0);
    const long = await parts('a'.repeat(200), { flashSms: true });
    assert.deepEqual(long.map(f => f.coding), [0x10, 0x10]);
  });

  scenario('flash the older way', async w => {
    const { parts } = await world(w, { flash: 'f0' });
    assert.equal((await parts('Ola', { flashSms: true }))[0].coding, 0xf0);
    assert.equal((await parts('Olá', { flashSms: true }))[0].coding, 0x18, '0xF0 has no UCS-2');
  });

  // Long texts whose borders would fall inside an escape pair and a surrogate pair.
  const longGsm = `${'a'.repeat(152)}€${'b'.repeat(151)}[${'c'.repeat(20)}`;
  const longUcs2 = `${'ã'.repeat(66)}😀${'õ'.repeat(65)}😀${'ç'.repeat(9)}`;
  const whole = (list, body = f => split(f).body) => Buffer.concat(list.map(body));
  const unbroken = list => {
    for (const f of list) {
      const { body } = split(f), last = body.length - 1;
      if (f.coding === 8) {
        assert.ok(body.length <= 134 && body.length % 2 === 0, `${body.length} octets`);
        assert.ok((body.readUInt16BE(0) & 0xfc00) !== 0xdc00, 'a part begins inside a surrogate pair');
        assert.ok((body.readUInt16BE(last - 1) & 0xfc00) !== 0xd800, 'a part ends inside a surrogate pair');
      } else {
        assert.ok(body.length <= 153, `${body.length} septets`);
        assert.notEqual(body[last], 0x1b, 'a part ends inside an escape pair');
      }
      assert.equal(f.registered & 1, 1, 'a receipt is asked for on every part');
    }
  };

  scenario('long texts with 8 bit references', async w => {
    const { parts } = await world(w);
    const refs = new Set();
    for (const [text, octets] of [[longGsm, gsm(longGsm)], [longUcs2, ucs2(longUcs2)]]) {
      const list = await parts(text);
      unbroken(list);
      assert.equal(hex(whole(list)), hex(octets));
      list.forEach((f, i) => {
        const { udh } = split(f);
        assert.equal(hex(udh.subarray(0, 3)), '050003');
        assert.deepEqual([udh[4], udh[5], f.esmClass & 0x40, udh[3]], [list.length, i + 1, 0x40, split(list[0]).udh[3]]);
      });
      refs.add(split(list[0]).udh[3]);
    }
    assert.equal(refs.size, 2, 'the next text to a number has another reference');
  });

  scenario('long texts with 16 bit references', async w => {
    const { parts } = await world(w, { join: 'udh16' });
    for (const [text, octets] of [[longGsm, gsm(longGsm)], [longUcs2, ucs2(longUcs2)]]) {
      const list = await parts(text);
      unbroken(list);
      for (const f of list) assert.ok(f.coding === 8 ? split(f).body.length <= 132 : split(f).body.length <= 152);
      assert.equal(hex(whole(list)), hex(octets));
      list.forEach((f, i) => {
        const { udh } = split(f);
        assert.equal(hex(udh.subarray(0, 3)), '060804');
        assert.deepEqual([udh[5], udh[6], f.esmClass & 0x40], [list.length, i + 1, 0x40]);
        assert.equal(udh.readUInt16BE(3), split(list[0]).udh.readUInt16BE(3));
      });
    }
  });

  scenario('long texts with SAR TLVs', async w => {
    const { parts } = await world(w, { join: 'sar' });
    for (const [text, octets] of [[longGsm, gsm(longGsm)], [longUcs2, ucs2(longUcs2)]]) {
      const list = await parts(text);
      unbroken(list);
      assert.equal(hex(whole(list)), hex(octets));
      list.forEach((f, i) => {
        assert.equal(f.esmClass & 0x40, 0, 'no UDH indicator');
        assert.equal(hex(f.tlv.get(0x020c)), hex(list[0].tlv.get(0x020c)));
        assert.deepEqual([f.tlv.get(0x020c).length, hex(f.tlv.get(0x020e)), hex(f.tlv.get(0x020f))], [2, hex([list.length]), hex([i + 1])]);
      });
    }
  });

  scenario('long texts in one message_payload', async w => {
    const { parts } = await world(w, { join: 'payload' });
    for (const [text, octets] of [[longGsm, gsm(longGsm)], [longUcs2, ucs2(longUcs2)], ['a'.repeat(1280), gsm('a'.repeat(1280))]]) {
      const list = await parts(text);
      assert.equal(list.length, 1);
      assert.deepEqual([list[0].text.length, hex(list[0].tlv.get(0x0424))], [0, hex(octets)]);
    }
    const [short] = await parts('Ola');
    assert.deepEqual([hex(short.text), short.tlv.has(0x0424)], ['4f6c61', false], 'short ones as ever');
  });

  scenario('long texts as separate messages that say so', async w => {
    const { parts } = await world(w, { join: 'none' });
    const list = await parts('Um texto '.repeat(40).trim());
    assert.equal(list.length, 3);
    const texts = list.map(f => f.text.toString('latin1'));
    texts.forEach((t, i) => assert.ok(t.includes(`(${i + 1}/3)`) && t.length <= 160, t));
    assert.equal(texts.map(t => t.replace(/ ?\(\d\/3\) ?/, '')).join('').replace(/\s+/g, ''), 'Umtexto'.repeat(40));
    assert.ok(list.every(f => f.esmClass === 0 && f.tlv.size === 0 && f.registered & 1));
  });

  scenario('the longest texts', async w => {
    const { parts } = await world(w);
    assert.equal((await parts('x'.repeat(1280))).length, 9);
    const emoji = await parts('😀'.repeat(1280));
    unbroken(emoji);
    assert.equal(emoji.length, 39, '33 emoji a part');
    assert.equal(hex(whole(emoji)), hex(ucs2('😀'.repeat(1280))));
  });

  scenario('the parts of a text leave in a row on one link', async w => {
    const { smsc, g } = await world(w, {}, { binds: 3 });
    await g.up('main', 3);
    const ids = await g.bulk(Array.from({ length: 30 }, (_, i) => ({ destination: `55119000001${String(i).padStart(2, '0')}`, messageText: 'a'.repeat(400) })));
    for (const id of ids) await g.delivered(id, 4);
    for (const link of smsc.links) {
      const here = smsc.submits.filter(s => s.link === link);
      for (let i = 0; i < here.length; i += 3) {
        const three = here.slice(i, i + 3);
        assert.equal(new Set(three.map(s => s.to)).size, 1);
        assert.deepEqual(three.map(s => split(s.f).udh[5]), [1, 2, 3]);
      }
    }
    assert.equal(smsc.submits.length, 90);
  });

  scenario('accents folded', async w => {
    const { parts } = await world(w, { accents: 'fold' });
    let [f] = await parts('Olá, não está “pronto”…');
    assert.deepEqual([f.coding, f.text.toString('latin1')], [0, 'Ola, nao esta "pronto"...']);
    [f] = await parts('não 😀');
    assert.equal(hex(f.text), hex(ucs2('não 😀')), 'in vain: then they stay');
  });

  scenario('accents by the national single shift table', async w => {
    const { parts } = await world(w, { accents: 'single_shift' });
    const [f] = await parts('não á€ç');
    assert.equal(f.coding, 0);
    assert.deepEqual([hex(split(f).udh), hex(split(f).body)], ['03240103', '6e1b7b6f201b0f1b651b09']);
    const long = await parts('ã'.repeat(100));
    assert.equal(long.length, 2);
    for (const part of long) {
      assert.match(hex(split(part).udh), /^08(0003..02..240103|2401030003..02..)$/);
      assert.ok(split(part).body.length <= 149);
    }
    assert.equal(hex(whole(long)), '1b7b'.repeat(100));
    assert.equal((await parts('Ola'))[0].esmClass, 0, 'no header where none is needed');
  });

  scenario('Latin-1 and ASCII where the carrier wants them', async w => {
    const latin = await world(w, { alphabets: ['latin1', 'ucs2'] });
    let [f] = await latin.parts('não está');
    assert.deepEqual([f.coding, f.text.toString('latin1')], [3, 'não está']);
    [f] = await latin.parts('Ω não');
    assert.equal(f.coding, 8);
    const ascii = await world(w, { alphabets: ['ascii', 'ucs2'] });
    [f] = await ascii.parts('plain {text}');
    assert.deepEqual([f.coding, f.text.toString('latin1')], [1, 'plain {text}']);
  });

  scenario('types of number', async w => {
    const smsc = await w.peer(Smsc.listen());
    const by = { a: {}, b: { source: 'Loja Boa' }, c: { source: '+551130000000' }, d: { source: '27182', profile: { source_ton: 0, source_npi: 1, dest_ton: 2, dest_npi: 8, service_type: 'VMA' } } };
    const g = await w.gateway({
      connections: Object.entries(by).map(([name, more]) => connection(smsc, { name, ...more })),
      routes: Object.keys(by).map((name, i) => ({ prefix: `55119${i}`, connections: [name] })),
    });
    const seen = [];
    for (let i = 0; i < 4; i++) {
      await g.delivered(await g.send(`55119${i}0000001`, 'x'), 4);
      const { f } = smsc.submits.pop();
      seen.push([f.sourceTon, f.sourceNpi, f.source, f.destTon, f.destNpi, f.dest, f.serviceType]);
    }
    assert.deepEqual(seen, [
      [3, 0, '27182', 1, 1, '5511900000001', ''],
      [5, 0, 'Loja Boa', 1, 1, '5511910000001', ''],
      [1, 1, '551130000000', 1, 1, '5511920000001', ''],
      [0, 1, '27182', 2, 8, '5511930000001', 'VMA'],
    ]);
  });

  scenario('what is left of the validity goes with it', async w => {
    const seconds = v => { const [, mo, d, h, mi, s] = v.match(/../g).map(Number); return (((mo * 30 + d) * 24 + h) * 60 + mi) * 60 + s; };
    const first = async (profile, validity) => (await (await world(w, profile, {}, { validity })).parts('x'))[0];
    let f = await first({}, '90m');
    assert.match(f.validity, /^\d{12}000R$/);
    assert.ok(Math.abs(seconds(f.validity) - 5400) < 10, f.validity);
    f = await first();
    assert.ok(Math.abs(seconds(f.validity) - 86400) < 10, f.validity);
    f = await first({ validity: 'absolute' }, '60m');
    assert.match(f.validity, /^\d{12}000\+$/);
    const [y, mo, d, h, mi, s] = f.validity.match(/../g).map(Number);
    assert.ok(Math.abs(Date.UTC(2000 + y, mo - 1, d, h, mi, s) - Date.now() - 3600e3) < 10e3, f.validity);
    assert.equal((await first({ validity: 'none' })).validity, '');
    assert.ok(f.schedule === '' && f.replace === 0 && f.defaultMessage === 0);
  });
});
