import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ManagedProcess } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { round } from '../measure/statistics.ts';
import { startGuest } from '../measure/testbed.ts';
import { runLoad, type Load } from '../peers/sipp-load.ts';
import { atLeast, atMost, type Figures } from '../report.ts';

const RATES = [50, 100, 150, 200, 250, 300, 400, 500, 600];
const REQUIRED_RATE = 200;
/** A load is clean when no call failed and next to nothing had to be sent again. */
const CLEAN_RETRANSMISSIONS = 0.005;

/**
 * SIPp calls at rising rates, each call held for a second; the guest answers with sessions of an
 * engine that makes no sound, so that signaling is what is measured.
 */
export const p9: Benchmark = {
  id: 'P9',
  what: 'calls per second that one guest daemon answers cleanly over UDP',
  run,
};

async function run(context: BenchmarkContext): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-p9-'));
  try {
    const ours = await withOffhook(directory, (port) => climb('offhook', port, context));
    const theirs = await withSipJs((port) => climb('stock sip.js', port, context));
    const required = ours.find((load) => load.rate === REQUIRED_RATE);
    const detail = { offhook: ours, sipjs: theirs, journal: 'there is none yet' };
    const best = highestClean(theirs);
    const goal = { target: 1.5, unit: 'ratio', peer: 'stock sip.js core, same rates' };
    return {
      'P9.rate': atLeast(goal, best === 0 ? 0 : round(highestClean(ours) / best), detail),
      'P9.failed': atMost(
        { target: 0, unit: `failed calls at ${REQUIRED_RATE}/s`, peer: 'none' },
        required?.failed ?? Number.MAX_SAFE_INTEGER,
        { ...required },
      ),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Raises the rate until a load is no longer clean; the required rate is tried in any case. */
async function climb(name: string, port: number, { say, signal }: BenchmarkContext) {
  const loads: Load[] = [];
  let clean = true;
  for (const rate of RATES) {
    signal.throwIfAborted();
    if (!clean && rate > REQUIRED_RATE) break;
    const load = await runLoad({ port, rate });
    say(
      `P9: ${name}: ${rate}/s: ${load.successful} good, ${load.failed} failed, ` +
        `${load.retransmissions} retransmissions`,
    );
    loads.push(load);
    clean &&= isClean(load);
  }
  return loads;
}

function isClean(load: Load): boolean {
  return load.failed === 0 && load.retransmissions <= CLEAN_RETRANSMISSIONS * load.successful;
}

/** The last rate before the first load that was not clean. */
function highestClean(loads: readonly Load[]): number {
  const dirty = loads.findIndex((load) => !isClean(load));
  if (dirty < 0) return loads.at(-1)?.rate ?? 0;
  return loads[dirty - 1]?.rate ?? 0;
}

async function withOffhook<T>(directory: string, work: (port: number) => Promise<T>): Promise<T> {
  const channel = `unix:${join(directory, 'engine.sock')}`;
  const engine = new ManagedProcess({
    name: 'engine without sound',
    command: process.execPath,
    args: [join(import.meta.dirname, '../peers/silent-engine.ts'), channel],
  });
  try {
    await engine.ready(/^ready$/m, { within: 10_000 });
    const guest = await startGuest({ directory, channel });
    try {
      return await work(guest.port);
    } finally {
      await guest.stop();
    }
  } finally {
    await engine.stop();
  }
}

async function withSipJs<T>(work: (port: number) => Promise<T>): Promise<T> {
  const peer = new ManagedProcess({
    name: 'stock sip.js',
    command: process.execPath,
    args: [join(import.meta.dirname, '../peers/sipjs-uas.ts')],
  });
  try {
    await peer.ready(/^listening \d+$/m, { within: 10_000 });
    return await work(Number(/^listening (\d+)$/m.exec(peer.output)?.[1]));
  } finally {
    await peer.stop();
  }
}
