// ask.mjs - questions to one of the programs of this folder, answers in the same order; and random numbers that can be had again. The
// folder of the built programs is $POMBO_ORACLE.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = process.env.POMBO_ORACLE ?? path.join(ROOT, 'build/asan/test/oracle');

// ask('schedule', lines): one answer for each line.
export function ask(name, lines) {
  const r = spawnSync(path.join(BUILD, `oracle-${name}`), { input: `${lines.join('\n')}\n`, encoding: 'utf8', maxBuffer: 256 << 20 });
  assert.equal(r.status, 0, `oracle-${name}: ${r.error ?? r.stderr}`);
  const answers = r.stdout.split('\n').slice(0, -1);
  assert.equal(answers.length, lines.length);
  return answers;
}

// A sequence of pseudo-random numbers that can be had again by its seed. mulberry32.
export function sequence(seed) {
  let state = seed | 0;
  const below = n => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
  return { seed, below, pick: list => list[below(list.length)] };
}

// One that is another on each run. The seed is told by a test that fails, and taken from POMBO_ORACLE_SEED.
export const { seed, below, pick } = sequence(Number(process.env.POMBO_ORACLE_SEED ?? Math.floor(Math.random() * 2 ** 31)));
