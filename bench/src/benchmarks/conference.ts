import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeError } from '@offhook/common';
import { Asterisk, createAuthority, encodeG711 } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { cpuPercent } from '../measure/proc.ts';
import { round } from '../measure/statistics.ts';
import { openTestbed } from '../measure/testbed.ts';
import { Reflector } from '../peers/reflector.ts';
import { Uac, type ProbeCall, type Target } from '../peers/uac.ts';
import { atMost, notMeasured, type Figure, type Figures } from '../report.ts';

const PARTIES = [3, 5, 8] as const;
const SETTLE_MS = 2000;
const WINDOW_MS = 10_000;
const PACKETS_PER_SECOND = 50;
/** One packet, 20 ms. */
const PACKET_SAMPLES = 160;
/** The conference of interop/asterisk/extensions.conf. */
const CONFBRIDGE = '606';

/**
 * Each far end sends a tone of its own (PCMA) and is sent what all others say. Engine and worker mix
 * the microphone with them; Asterisk's ConfBridge has the far ends alone.
 */
export const conference: Benchmark = {
  id: 'conference',
  what: 'processor time of a conference, for each far end',
  run,
};

interface Usage {
  /** Percent of one core, for each far end. */
  readonly perParty: number;
  /** Packets that came to the far ends, of those expected. */
  readonly flow: number;
}

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const figures: Figures = {};
  for (const parties of PARTIES) {
    signal.throwIfAborted();
    const key = `conference.${parties}`;
    figures[key] = await compare(parties);
    say(`${key}: ${JSON.stringify(figures[key].detail)}`);
  }
  return figures;
}

async function compare(parties: number): Promise<Figure> {
  const goal = { target: 1, unit: 'ratio', peer: 'Asterisk 22, ConfBridge' };
  try {
    const ours = await measureOffhook(parties);
    const theirs = await measureAsterisk(parties);
    const detail = { offhook: ours, asterisk: theirs, unit: '% of a core for each far end' };
    if (ours.flow < 0.95 || theirs.flow < 0.95) {
      const reason = 'not all packets flowed: the machine was too busy';
      return { ...notMeasured(goal, reason), detail: { reason, ...detail } };
    }
    return atMost(goal, round(ours.perParty / theirs.perParty), detail);
  } catch (error) {
    return notMeasured(goal, describeError(error));
  }
}

async function measureOffhook(parties: number): Promise<Usage> {
  const testbed = await openTestbed();
  try {
    return await measure({
      target: { user: 'bench', port: testbed.guest.port },
      parties,
      pids: [testbed.engine.process.pid, testbed.worker],
      join: () => testbed.guest.phone.call('call.join', {}),
    });
  } finally {
    await testbed.close();
  }
}

async function measureAsterisk(parties: number): Promise<Usage> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-conference-'));
  try {
    const authority = await createAuthority(directory);
    const asterisk = await Asterisk.start({ directory, address: '127.0.0.1', authority });
    try {
      return await measure({
        target: { user: CONFBRIDGE, port: asterisk.port },
        parties,
        pids: [asterisk.process.pid],
        join: () => Promise.resolve(),
      });
    } finally {
      await asterisk.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(bridge: {
  readonly target: Target;
  readonly parties: number;
  readonly pids: readonly number[];
  readonly join: () => Promise<unknown>;
}): Promise<Usage> {
  const { target, parties, pids } = bridge;
  const uac = await Uac.open();
  const reflectors: Reflector[] = [];
  const calls: ProbeCall[] = [];
  const packets = () => reflectors.reduce((sum, one) => sum + one.packets, 0);
  try {
    for (let party = 0; party < parties; party++) {
      const reflector = await Reflector.open(tone(300 + 100 * party));
      reflectors.push(reflector);
      calls.push(await uac.call(target, reflector.offer('PCMA')));
    }
    await bridge.join();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const before = packets();
    const used = await cpuPercent(pids, WINDOW_MS);
    const expected = (parties * PACKETS_PER_SECOND * WINDOW_MS) / 1000;
    return {
      perParty: round(used / parties, 3),
      flow: round((packets() - before) / expected),
    };
  } finally {
    await Promise.all(calls.map((call) => call.hangup()));
    uac.close();
    for (const reflector of reflectors) reflector.close();
  }
}

/** A packet of it; whole periods fit where it is a multiple of 50 Hz, so packets join without a click. */
function tone(hz: number): Uint8Array {
  const samples = Float32Array.from(
    { length: PACKET_SAMPLES },
    (_, at) => 0.1 * Math.sin((2 * Math.PI * hz * at) / 8000),
  );
  return encodeG711('PCMA', samples);
}
