// measure.ts OPTIONS: what of the hair-pin benchmark runs in the host's network namespace. Its options
// are one JSON argument, its report is a file of JSON; progress goes to standard error.
import { writeFile } from 'node:fs/promises';

import { describeError } from '@offhook/common';
import { Scope } from '@offhook/test-sipp';

import { median, round } from '../measure/statistics.ts';
import { Bed } from './bed.ts';
import { measureEcho } from './echo.ts';
import {
  DIRECT,
  type Line,
  type MeasureOptions,
  type MeasureReport,
  type Path,
  type SessionReport,
} from './options.ts';
import { session } from './session.ts';

const PATHS: readonly Path[] = ['redirected', 'tuned', 'stock'];
const CHIRPS = 6;
const CHIRPS_ON_LINES = 4;
/** A machine that does something else may cost a session, never the run. */
const TRIES = 2;

const options = JSON.parse(process.argv[2] ?? '') as MeasureOptions;
await writeFile(options.report, JSON.stringify(await measure(options)));
process.exit(0);

async function measure({
  directory,
  client,
  sessions,
  lines,
}: MeasureOptions): Promise<MeasureReport> {
  const scope = new Scope();
  const results: SessionReport[] = [];
  const failures: string[] = [];
  const attempt = async (what: string, path: Path, line: Line) => {
    for (let tries = 1; ; tries++) {
      try {
        const costs = line === DIRECT;
        const chirps = costs ? CHIRPS : CHIRPS_ON_LINES;
        const one = await session(bed, { directory, path, line, chirps, costs });
        results.push(one);
        console.error(`hairpin: ${what}: ${path}: ${summary(one)}`);
        return;
      } catch (error) {
        const failure = `${what}: ${path}: ${describeError(error)}`;
        console.error(`hairpin: ${failure}`);
        if (tries === TRIES) {
          failures.push(failure);
          return;
        }
      }
    }
  };
  const bed = await Bed.open(scope, directory, client);
  console.error(`hairpin: the guest is up, with ${bed.accelerator.toUpperCase()}`);
  try {
    const echo = await measureEcho(bed).catch((error: unknown) => {
      failures.push(`round trips: ${describeError(error)}`);
      return undefined;
    });
    // In turn, so that whatever else the machine does meets all of them.
    for (let count = 1; count <= sessions; count++) {
      for (const path of PATHS) await attempt(`session ${count} of ${sessions}`, path, DIRECT);
    }
    for (const line of lines) {
      const what = `${line.delayMs} ms, ${line.lossPercent} %`;
      for (const path of ['redirected', 'tuned'] as const) await attempt(what, path, line);
    }
    return { accelerator: bed.accelerator, sessions: results, failures, echo };
  } finally {
    await scope.close().catch((error: unknown) => console.error(describeError(error)));
  }
}

function summary({ listen, talk, cost, hostIdle, xruns }: SessionReport): string {
  const added = cost === undefined ? [] : [`QEMU +${round(cost.cpu.call - cost.cpu.idle, 1)} %`];
  return [
    `listen ${round(median(listen.ms), 0)} ms (${listen.lost} lost)`,
    `talk ${round(median(talk.ms), 0)} ms (${talk.lost} lost)`,
    ...added,
    `${xruns} xruns`,
    `host ${round(hostIdle, 0)} % idle`,
  ].join(', ');
}
