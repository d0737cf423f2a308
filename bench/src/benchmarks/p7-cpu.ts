import { describeError } from '@offhook/common';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { cpuPercent } from '../measure/proc.ts';
import { round } from '../measure/statistics.ts';
import { openTestbed } from '../measure/testbed.ts';
import { Baresip } from '../peers/baresip.ts';
import { codecs, Reflector, type BenchCodec } from '../peers/reflector.ts';
import { Uac, type ProbeCall, type Target } from '../peers/uac.ts';
import { atMost, notMeasured, type Figure, type Figures } from '../report.ts';

const COUNTS = [1, 10, 50] as const;
const SETTLE_MS = 2000;
/** The kernel counts in hundredths of a second: a single call is watched for longer. */
const windowMs = (count: number) => (count === 1 ? 20_000 : 8000);
/** Packets a second of one call with 20 ms of audio in each. */
const PACKETS_PER_SECOND = 50;

/**
 * Each call encodes a tone and decodes what comes back: the far end reflects the packets, so that it
 * costs no codec. Offhook's engine and worker against one baresip process a call.
 */
export const p7: Benchmark = {
  id: 'P7',
  what: 'processor time of the engine and worker per call',
  run,
};

interface Usage {
  /** Percent of one core, per call. */
  readonly perCall: number;
  /** Packets that came to the far end, of those expected. */
  readonly flow: number;
}

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const figures: Figures = {};
  for (const codec of Object.keys(codecs) as BenchCodec[]) {
    for (const count of COUNTS) {
      signal.throwIfAborted();
      const key = `P7.${codec.toLowerCase()}.${count}`;
      figures[key] = await compare(codec, count);
      say(`${key}: ${JSON.stringify(figures[key].detail)}`);
    }
  }
  return figures;
}

async function compare(codec: BenchCodec, count: number): Promise<Figure> {
  // Targets name 1 and 10 calls; 50 are held to the figure of 10.
  const goal = {
    target: count === 1 ? 1 : 0.8,
    unit: 'ratio',
    peer: 'baresip, one process a call',
  };
  try {
    const ours = await measureOffhook(codec, count);
    const theirs = await measureBaresip(codec, count);
    const detail = { offhook: ours, baresip: theirs, unit: '% of a core per call' };
    if (ours.flow < 0.95 || theirs.flow < 0.95) {
      const reason = 'not all packets flowed: the machine was too busy';
      return { ...notMeasured(goal, reason), detail: { reason, ...detail } };
    }
    return atMost(goal, round(ours.perCall / theirs.perCall), detail);
  } catch (error) {
    return notMeasured(goal, describeError(error));
  }
}

async function measureOffhook(codec: BenchCodec, count: number): Promise<Usage> {
  const testbed = await openTestbed();
  try {
    const targets = Array.from({ length: count }, () => ({
      user: 'bench',
      port: testbed.guest.port,
    }));
    return await measure(targets, codec, [testbed.engine.process.pid, testbed.worker]);
  } finally {
    await testbed.close();
  }
}

async function measureBaresip(codec: BenchCodec, count: number): Promise<Usage> {
  const phones: Baresip[] = [];
  try {
    for (let index = 0; index < count; index++) phones.push(await Baresip.start(codec));
    const targets = phones.map(({ port }) => ({ user: 'bench', port }));
    return await measure(
      targets,
      codec,
      phones.map(({ pid }) => pid),
    );
  } finally {
    await Promise.all(phones.map((phone) => phone.stop()));
  }
}

async function measure(
  targets: readonly Target[],
  codec: BenchCodec,
  pids: readonly number[],
): Promise<Usage> {
  const uac = await Uac.open();
  const reflectors: Reflector[] = [];
  const calls: ProbeCall[] = [];
  const packets = () => reflectors.reduce((sum, one) => sum + one.packets, 0);
  try {
    for (const target of targets) {
      const reflector = await Reflector.open();
      reflectors.push(reflector);
      calls.push(await uac.call(target, reflector.offer(codec)));
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const before = packets();
    const window = windowMs(targets.length);
    const used = await cpuPercent(pids, window);
    const expected = (targets.length * PACKETS_PER_SECOND * window) / 1000;
    return {
      perCall: round(used / targets.length, 3),
      flow: round((packets() - before) / expected),
    };
  } finally {
    await Promise.all(calls.map((call) => call.hangup()));
    uac.close();
    for (const reflector of reflectors) reflector.close();
  }
}
