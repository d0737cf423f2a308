import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ManagedProcess } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { round } from '../measure/statistics.ts';
import { startGuest } from '../measure/testbed.ts';
import { runLoad, type Load } from '../peers/sipp-load.ts';
import { atLeast, atMost, notMeasured, type Figures } from '../report.ts';

const RATES = [50, 100, 150, 200, 250, 300, 400, 500, 600];
const REQUIRED_RATE = 200;
/** A load is clean when no call failed and next to nothing had to be sent again. */
const CLEAN_RETRANSMISSIONS = 0.005;
/** A load that something else on the machine disturbed gets another chance; for both sides. */
const TRIES = 2;

/**
 * SIPp calls at rising rates, each call held for a second; the guest answers with sessions of an
 * engine that makes no sound, so that signaling is what is measured.
 */
export const p9: Benchmark = {
  id: 'P9',
  what: 'calls per second that one guest daemon answers cleanly over UDP',
  run,
};

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-p9-'));
  try {
    const { ours, theirs } = await withOffhook(directory, (guestPort) =>
      withSipJs(async (peerPort) => {
        const guest = new Climber('offhook', guestPort, say);
        const peer = new Climber('stock sip.js', peerPort, say);
        // In turn, so that what else happens on the machine meets both.
        for (const rate of RATES) {
          for (const climber of [guest, peer]) {
            signal.throwIfAborted();
            await climber.climb(rate);
          }
        }
        return { ours: guest, theirs: peer };
      }),
    );
    const required = ours.loads.find((load) => load.rate === REQUIRED_RATE);
    const detail = { offhook: ours.loads, sipjs: theirs.loads, journal: 'on' };
    const goal = { target: 1.5, unit: 'ratio', peer: 'stock sip.js core, same rates' };
    return {
      'P9.rate':
        theirs.highestClean === 0
          ? { ...notMeasured(goal, 'the peer was clean at no rate'), detail }
          : atLeast(goal, round(ours.highestClean / theirs.highestClean), detail),
      'P9.failed': atMost(
        { target: 0, unit: `failed calls at ${REQUIRED_RATE}/s`, peer: 'none' },
        required?.failed ?? Number.NaN,
        { ...required },
      ),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Raises the rate until a load is not clean; the required rate is tried in any case. */
class Climber {
  readonly loads: Load[] = [];
  /** The last rate before the first load that was not clean. */
  highestClean = 0;
  readonly #name: string;
  readonly #port: number;
  readonly #say: (line: string) => void;
  #climbing = true;

  constructor(name: string, port: number, say: (line: string) => void) {
    this.#name = name;
    this.#port = port;
    this.#say = say;
  }

  async climb(rate: number): Promise<void> {
    if (!this.#climbing && rate !== REQUIRED_RATE) return;
    let load = await this.#run(rate);
    for (let tries = 1; tries < TRIES && !isClean(load); tries++) load = await this.#run(rate);
    this.loads.push(load);
    this.#climbing &&= isClean(load);
    if (this.#climbing) this.highestClean = rate;
  }

  async #run(rate: number): Promise<Load> {
    const load = await runLoad({ port: this.#port, rate });
    this.#say(
      `P9: ${this.#name}: ${rate}/s: ${load.successful} good, ${load.failed} failed, ` +
        `${load.retransmissions} retransmissions`,
    );
    return load;
  }
}

function isClean(load: Load): boolean {
  return load.failed === 0 && load.retransmissions <= CLEAN_RETRANSMISSIONS * load.successful;
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
