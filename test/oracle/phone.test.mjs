// Numbers against libphonenumber-js: of every country's example numbers, numbers at the edges of its ranges, and random ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequire } from 'node:module';
import { PhoneNumber } from 'libphonenumber-js/core';
import { parsePhoneNumberFromString, getCountries, getCountryCallingCode, getExampleNumber } from 'libphonenumber-js/max';
import { ask, sequence } from './ask.mjs';

const metadata = createRequire(import.meta.url)('libphonenumber-js/metadata.max.json');
const RANDOM_PER_COUNTRY = Number(process.env.POMBO_ORACLE_NUMBERS ?? 600);
const codes = Object.keys(metadata.country_calling_codes);
const KIND = { MOBILE: 'mobile', FIXED_LINE_OR_MOBILE: 'maybe' };

/** What the library makes of digits as they stand. */
function judge(digits) {
  const read = parsePhoneNumberFromString(`+${digits}`);
  if (read?.number !== `+${digits}`) return judgeUnread(digits); // it took a prefix off, which is not what stands there
  const kind = KIND[read.getType()];
  return kind && read.country ? `${kind} ${read.country}` : 'none -'; // satellites have no country: not taken, on purpose
}

function judgeUnread(digits) {
  const code = codes.find((c) => digits.startsWith(c));
  const rest = code && digits.slice(code.length);
  if (!rest || rest.length < 2) return 'none -';
  const countries = metadata.country_calling_codes[code];
  // Of countries that share a code the library finds the owner when it reads; asked directly it is told which ones are possible.
  let country = countries[0];
  if (countries.length > 1) {
    for (const c of countries) {
      const leading = metadata.countries[c][10];
      const mine = leading ? new RegExp(`^(?:${leading})`).test(rest) : new PhoneNumber(c, rest, metadata).getType() !== undefined;
      if (mine) {
        country = c;
        break;
      }
    }
  }
  const kind = KIND[new PhoneNumber(country, rest, metadata).getType()];
  return kind ? `${kind} ${country}` : 'none -';
}

/** A text that fits the pattern, by chance; ours is no regex library, so it knows only what the metadata's patterns use. */
function sample(pattern, rnd) {
  let at = 0;
  const choice = () => {
    const branches = [[]];
    while (at < pattern.length && pattern[at] !== ')') {
      if (pattern[at] === '|') {
        branches.push([]);
        at++;
        continue;
      }
      let one;
      if (pattern.startsWith('(?:', at) || pattern[at] === '(') {
        at += pattern.startsWith('(?:', at) ? 3 : 1;
        one = choice();
        at++;
      } else if (pattern[at] === '[') {
        const end = pattern.indexOf(']', at);
        const set = [];
        for (let i = at + 1; i < end; i++) {
          if (pattern[i + 1] === '-' && i + 2 < end) {
            for (let d = Number(pattern[i]); d <= Number(pattern[i + 2]); d++) set.push(String(d));
            i += 2;
          } else if (pattern[i] === '\\') {
            for (let d = 0; d < 10; d++) set.push(String(d));
            i++;
          } else set.push(pattern[i]);
        }
        at = end + 1;
        one = () => set[rnd(set.length)];
      } else if (pattern.startsWith('\\d', at)) {
        at += 2;
        one = () => String(rnd(10));
      } else {
        const d = pattern[at++];
        one = () => d;
      }
      let least = 1, most = 1;
      const m = /^(?:\{(\d+)(?:,(\d+))?\}|\?)/.exec(pattern.slice(at));
      if (m) {
        [least, most] = m[0] === '?' ? [0, 1] : [Number(m[1]), Number(m[2] ?? m[1])];
        at += m[0].length;
      }
      branches.at(-1).push(() => Array.from({ length: least + rnd(most - least + 1) }, one).join(''));
    }
    return () => branches[rnd(branches.length)].map((f) => f()).join('');
  };
  return choice();
}

function* numbersOf(country, rnd) {
  const [code, , general, lengths] = metadata.countries[country];
  const types = metadata.countries[country][11] ?? [];
  const makers = [general, ...types.filter((t) => t && t[0]).map((t) => t[0])].map((p) => sample(p, rnd));
  for (const make of makers) {
    for (let i = 0; i < RANDOM_PER_COUNTRY / 10; i++) {
      const n = make();
      yield code + n;
      yield code + n.slice(0, -1);
      yield code + n + rnd(10);
      const at = rnd(n.length); // one digit wrong
      yield code + n.slice(0, at) + rnd(10) + n.slice(at + 1);
    }
  }
  for (let i = 0; i < RANDOM_PER_COUNTRY; i++) {
    const length = i % 4 ? lengths[rnd(lengths.length)] : 1 + rnd(15 - code.length);
    yield code + Array.from({ length }, () => rnd(10)).join('');
  }
}

function compare(numbers, want, answerOf) {
  const answers = ask('phone_tool', numbers);
  const wrong = [];
  numbers.forEach((n, i) => {
    const got = answerOf(answers[i].split(' '));
    const should = want(n);
    if (got !== should) wrong.push(`${n}: pombo says ${got}, libphonenumber ${should}`);
  });
  assert.equal(wrong.length, 0, `${wrong.length} of ${numbers.length}\n${wrong.slice(0, 20).join('\n')}`);
}

test('every country: kind and country of the digits as they stand', () => {
  const rnd = sequence(2026).below;
  let count = 0;
  for (const country of getCountries()) {
    const numbers = [...numbersOf(country, rnd)].filter((n) => n.length <= 15);
    count += numbers.length;
    compare(numbers, judge, ([, kind, owner]) => `${kind} ${owner}`);
  }
  assert.ok(count > 200 * RANDOM_PER_COUNTRY);
});

test('every beginning of five digits, at every length', () => {
  const rnd = sequence(7).below;
  const numbers = [];
  for (let head = 10000; head < 100000; head++)
    numbers.push(String(head) + Array.from({ length: 1 + rnd(10) }, () => rnd(10)).join(''));
  compare(numbers, judge, ([, kind, owner]) => `${kind} ${owner}`);
});

test('the way people write: what pombo takes is what the library reads', () => {
  const rnd = sequence(99).below;
  const texts = [];
  for (const country of getCountries()) {
    const code = getCountryCallingCode(country);
    const trunk = metadata.countries[country][5] || '';
    for (let i = 0; i < 300; i++) {
      const mobile = metadata.countries[country][11]?.[1]?.[0] || metadata.countries[country][2];
      const n = sample(mobile, rnd)();
      const cut = 1 + rnd(n.length - 1);
      texts.push(`+${code} ${n.slice(0, cut)}-${n.slice(cut)}`, `+${code} (${trunk})${n}`, `+${code}${n}`);
    }
  }
  const answers = ask('phone_tool', texts);
  let usable = 0;
  const wrong = [];
  texts.forEach((text, i) => {
    const [, , , ok, canonical] = answers[i].split(' ');
    const read = parsePhoneNumberFromString(text);
    const theirs = read && KIND[read.getType()] ? read.number.slice(1) : null;
    if (ok === '1') usable++;
    if (ok === '1' && theirs !== canonical && !exception(canonical)) wrong.push(`${text}: pombo ${canonical}, libphonenumber ${theirs}`);
    if (ok !== '1' && theirs !== null && !stripped(text, theirs)) wrong.push(`${text}: pombo nothing, libphonenumber ${theirs}`);
  });
  assert.equal(wrong.length, 0, `${wrong.length} of ${texts.length}\n${wrong.slice(0, 20).join('\n')}`);
  assert.ok(usable > texts.length / 3, `only ${usable} of ${texts.length} were usable`);
});

/** Brazilian mobiles with eight digits: ours get the ninth, the library refuses them (or knows them as trunked radio). Colombia: the
 * library reads a zero behind the country code as the beginning of a carrier selection and gives up; we take it off. */
function exception(canonical) {
  return /^55\d\d9[6-9]\d{7}$|^57/.test(canonical);
}

/** The library took more off than a trunk prefix - carrier selection, habits of dialling inside a country -, or put something on. What
 * is left is not what was written in E.164; pombo ends such a message in 202 rather than guess. */
function stripped(text, theirs) {
  return theirs !== text.replace(/\D/g, '');
}

test('example numbers of mobiles are taken in all countries that have mobiles', () => {
  const examples = createRequire(import.meta.url)('libphonenumber-js/mobile/examples');
  const numbers = getCountries().map((c) => getExampleNumber(c, examples)).filter(Boolean).map((n) => n.number);
  assert.ok(numbers.length > 230);
  ask('phone_tool', numbers).forEach((a, i) => assert.equal(a.split(' ')[3], '1', numbers[i]));
});

test('zones are names the system knows, one for each usable number', () => {
  const examples = createRequire(import.meta.url)('libphonenumber-js/mobile/examples');
  const numbers = getCountries().map((c) => getExampleNumber(c, examples)?.number).filter(Boolean);
  for (let area = 11; area < 100; area++) numbers.push(`+55${area}999990001`);
  const zones = ask('phone_tool', numbers).filter((a) => a.split(' ')[3] === '1').map((a) => a.split(' ')[5]);
  for (const zone of new Set(zones)) assert.doesNotThrow(() => new Intl.DateTimeFormat('en', { timeZone: zone }), zone);
  assert.ok(zones.length > 290);
});
