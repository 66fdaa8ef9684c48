// Runs one of the tools of this folder over many lines at once. The folder of the built tools is $POMBO_ORACLE.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const folder = process.env.POMBO_ORACLE ?? new URL('../../build/asan/test/oracle', import.meta.url).pathname;

/** Gives the lines to the tool and returns its answer, one line for each. */
export function ask(tool, lines) {
  const run = spawnSync(join(folder, `oracle-${tool}`), [], {
    input: lines.join('\n') + '\n',
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`${tool}: ended with ${run.status ?? run.signal ?? run.error}: ${run.stderr}`);
  const answers = run.stdout.split('\n').slice(0, -1);
  if (answers.length !== lines.length) throw new Error(`${tool}: ${lines.length} lines in, ${answers.length} out`);
  return answers;
}

/** A small generator of pseudo-random numbers, so that a failure can be seen again. */
export function random(seed) {
  let s = seed >>> 0;
  return (below) => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
