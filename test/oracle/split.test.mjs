// Parts of texts against independent libraries: Twilio's segment calculator says how many parts there are and of which alphabet,
// npm smpp's tables say which octets. What they do not know (16 bit references, marks, shift tables) is checked against the
// arithmetic of 3GPP TS 23.040, written here once more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import calculator from 'sms-segments-calculator';
import smpp from 'smpp';
import { ask, sequence } from './ask.mjs';

const { SegmentedMessage } = calculator;
const ASCII = 1, GSM7 = 2, GSM7EXT = 4, LATIN1 = 8, UCS2 = 16, USUAL = GSM7 | GSM7EXT | UCS2;
const UDH8 = 0, UDH16 = 1, SAR = 2, NONE = 4;
const SPANISH = 2, PORTUGUESE = 3;

const basic = [...'@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\n'];
const extension = [...'^{}\\[~]|€'];
const portuguese = [...'êçÔôÁáÊÀÍÓÚÃÕÂíóúãõâ'], spanish = [...'çÁÍÓÚáíóú'];
const wide = [...'çãõáíÍ日本語Ж中ยⅣ…“”—'];
const emoji = [...'😀🎉🚀💡🍕'];
const kinds = [[basic], [basic, basic, basic, extension], [extension], [basic, wide], [basic, basic, emoji], [emoji], [wide, emoji]];

const tool = (name, cases) => ask(name, cases.map(c => JSON.stringify(c))).map(l => JSON.parse(l));
const random = () => sequence(Number(process.env.POMBO_ORACLE_SEED ?? 20260101));

function text(r, from, longest = 600) {
  // Around the limits of one, two and three parts more often than elsewhere.
  const near = r.pick([0, 35, 67, 70, 134, 140, 153, 160, 201, 306, 459, 760, longest]);
  const n = Math.max(0, Math.min(longest, near + r.below(9) - 4));
  return Array.from({ length: n }, () => r.pick(r.pick(from))).join('').normalize('NFC');
}
const utf16 = s => Buffer.from(s, 'utf16le').swap16();
const bodies = a => a.octets.map((h, i) => Buffer.from(h, 'hex').subarray(a.udh[i]));
// The calculator counts letters with their marks as one; without such, characters are what it counts.
const simple = s => !/\p{M}|\r/u.test(s);

// The default alphabet is npm smpp's; it has no encoder for single shift tables.
const septet = new Map(basic.map(c => [smpp.encodings.ASCII.encode(c)[0], c]));
const pair = new Map(extension.map(c => [smpp.encodings.ASCII.encode(c)[1], c]));
// Annex A.2.3 and A.2.2, read out of the standard a second time.
const national = {
  [PORTUGUESE]: new Map(Object.entries({ 0x05: 'ê', 0x09: 'ç', 0x0b: 'Ô', 0x0c: 'ô', 0x0e: 'Á', 0x0f: 'á', 0x1f: 'Ê', 0x41: 'À', 0x49: 'Í', 0x4f: 'Ó', 0x55: 'Ú', 0x5b: 'Ã', 0x5c: 'Õ', 0x61: 'Â', 0x69: 'í', 0x6f: 'ó', 0x75: 'ú', 0x7b: 'ã', 0x7c: 'õ', 0x7f: 'â' }).map(([k, v]) => [Number(k), v])),
  [SPANISH]: new Map(Object.entries({ 0x09: 'ç', 0x41: 'Á', 0x49: 'Í', 0x4f: 'Ó', 0x55: 'Ú', 0x61: 'á', 0x69: 'í', 0x6f: 'ó', 0x75: 'ú' }).map(([k, v]) => [Number(k), v])),
};
function decode(octets, shift) {
  let out = '';
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] !== 0x1b) out += septet.get(octets[i]);
    else { i++; out += national[shift].get(octets[i]) ?? pair.get(octets[i]); }
  }
  return out;
}

test('number of parts and alphabet, as the calculator says; octets, as npm smpp says', () => {
  const r = random();
  const texts = Array.from({ length: 4000 }, () => text(r, r.pick(kinds), r.below(20) ? 600 : 1280)).filter(simple);
  const answers = tool('split', texts.map(t => ({ text: t, alphabets: USUAL, join: UDH8 })));
  const seen = new Set();
  texts.forEach((t, i) => {
    const a = answers[i], judge = new SegmentedMessage(t);
    const what = `seed ${r.seed}, text ${i}: ${JSON.stringify(t)}`;
    assert.equal(a.alphabet === UCS2 ? 'UCS-2' : 'GSM-7', judge.encodingName, what);
    assert.equal(a.parts, judge.segmentsCount, what);
    assert.equal(a.octets.length, judge.segmentsCount, what);
    const octets = judge.encodingName === 'UCS-2' ? utf16(t) : smpp.encodings.ASCII.encode(t);
    assert.equal(Buffer.concat(bodies(a)).toString('hex'), octets.toString('hex'), what);
    // The same borders: each part holds what the calculator put into its segment.
    if (judge.segmentsCount > 1) {
      const sizes = judge.segments.map(s => s.messageSizeInBits() / (judge.encodingName === 'UCS-2' ? 8 : 7));
      assert.deepEqual(bodies(a).map(b => b.length), sizes, what);
    }
    seen.add(`${judge.encodingName} ${Math.min(judge.segmentsCount, 4)}`);
  });
  assert.equal(seen.size, 8, `every kind of text came: ${[...seen]}`);
});

test('the other ways of joining hold what they may and lose nothing', () => {
  const r = random();
  const cases = Array.from({ length: 2000 }, () => ({ text: text(r, r.pick(kinds), 1000), alphabets: USUAL, join: r.pick([UDH16, SAR, NONE]) }));
  tool('split', cases).forEach((a, i) => {
    const { text: t, join } = cases[i], width = a.alphabet === UCS2 ? 2 : 1;
    const most = { [UDH16]: width === 2 ? 66 : 152, [SAR]: width === 2 ? 67 : 153, [NONE]: width === 2 ? 70 : 160 }[join] * width;
    const alone = (width === 2 ? 70 : 160) * width, n = a.octets.length;
    const whole = width === 2 ? utf16(t) : smpp.encodings.ASCII.encode(t);
    let list = bodies(a);
    assert.equal(a.parts, n);
    assert.ok(n === 1 ? list[0].length <= alone : list.every(b => b.length <= most), JSON.stringify(cases[i]));
    assert.equal(n === 1, whole.length <= alone);
    if (join === NONE && n > 1) {
      list = list.map((b, k) => {
        const mark = `(${k + 1}/${n}) `, head = width === 2 ? utf16(mark) : Buffer.from(mark);
        assert.equal(b.subarray(0, head.length).toString('hex'), head.toString('hex'), JSON.stringify(cases[i]));
        return b.subarray(head.length);
      });
    }
    // No part could have taken the next character too.
    list.slice(0, -1).forEach((b, k) => {
      const mark = join === NONE ? `(${k + 1}/${n}) `.length * width : 0;
      assert.ok(b.length + mark >= most - (width === 2 ? 2 : 1) || (width === 1 && list[k + 1][0] === 0x1b), JSON.stringify([cases[i], k]));
    });
    assert.equal(Buffer.concat(list).toString('hex'), whole.toString('hex'));
  });
});

test('national single shift: the header, what fits, the letters of the tables', () => {
  const r = random();
  const cases = Array.from({ length: 2000 }, () => ({ text: text(r, [basic, basic, extension, r.pick([portuguese, spanish])], 700), alphabets: USUAL, join: r.pick([UDH8, UDH16]), shift: true }));
  const known = new Set([...basic, ...extension]);
  let shifted = 0;
  tool('split', cases).forEach((a, i) => {
    const { text: t, join } = cases[i], what = JSON.stringify(cases[i]);
    if ([...t].every(c => known.has(c))) {
      assert.deepEqual([a.alphabet === UCS2, a.shift], [false, 0], what);
      return;
    }
    shifted++;
    assert.ok(a.shift === PORTUGUESE || a.shift === SPANISH, what);
    const letters = [...national[a.shift].values()], cost = c => (known.has(c) && !extension.includes(c) ? 1 : 2);
    assert.ok([...t].every(c => known.has(c) || letters.includes(c)), what);
    const septets = [...t].reduce((n, c) => n + cost(c), 0);
    assert.equal(a.units, septets, what);
    // 140 octets less the header, in septets: 3 + 1 octets alone, 8 + 1 and 9 + 1 with a reference.
    const alone = Math.floor((140 - 4) * 8 / 7), most = Math.floor((140 - (join === UDH8 ? 9 : 10)) * 8 / 7);
    assert.equal(a.octets.length === 1, septets <= alone, what);
    let parts = 1, used = 0;
    for (const c of t) {
      if (septets > alone && used + cost(c) > most) { parts++; used = 0; }
      used += cost(c);
    }
    assert.equal(a.parts, parts, what);
    a.octets.forEach((h, k) => {
      const udh = Buffer.from(h, 'hex').subarray(0, a.udh[k]);
      assert.equal(udh[0], udh.length - 1);
      const elements = new Map();
      for (let at = 1; at < udh.length; at += 2 + udh[at + 1]) elements.set(udh[at], udh.subarray(at + 2, at + 2 + udh[at + 1]));
      assert.deepEqual([...elements.get(0x24)], [a.shift]);
      assert.equal(elements.has(0x25), false, 'no locking shift');
      assert.equal(elements.size, parts > 1 ? 2 : 1);
    });
    const back = bodies(a).map(b => decode(b, a.shift)).join('');
    assert.equal(back, t, what);
  });
  assert.ok(shifted > 500, `${shifted} texts needed a table`);
});

test('ASCII and Latin-1 links, and accents folded', () => {
  const r = random();
  const letters = [...'abcdefghijklmnopqrstuvwxyz ABC 0123'], accented = [...'áàâãéêíóôõúüçñÁÀÂÃÉÊÍÓÔÕÚÜÇÑ'];
  const cases = Array.from({ length: 1500 }, () => ({ text: text(r, [letters, letters, accented], 500), alphabets: r.pick([ASCII | UCS2, LATIN1 | UCS2, ASCII, GSM7 | UCS2]), join: UDH8, fold: r.below(2) === 1 }));
  tool('split', cases).forEach((a, i) => {
    const { text: t, alphabets, fold } = cases[i], what = JSON.stringify(cases[i]), whole = Buffer.concat(bodies(a));
    const bare = t.normalize('NFD').replace(/\p{M}/gu, '');
    if (a.alphabet === LATIN1) {
      assert.equal(whole.toString('latin1'), t, what);
      assert.equal(a.parts, t.length <= 140 ? 1 : Math.ceil(t.length / 134), what);
    } else if (a.alphabet === ASCII) {
      assert.equal(whole.toString('latin1'), bare, what);
      assert.ok(t === bare || fold || alphabets === ASCII, what);
      assert.equal(a.parts, bare.length <= 160 ? 1 : Math.ceil(bare.length / 153), what);
    } else if (a.alphabet === UCS2) {
      assert.equal(whole.toString('hex'), utf16(t).toString('hex'), what);
      assert.ok(!fold, what);
    } else { // letters that the default alphabet has keep their accents
      assert.equal(decode(whole, PORTUGUESE).normalize('NFD').replace(/\p{M}/gu, ''), bare, what);
    }
    assert.equal(a.lossy, false, what);
  });
});
