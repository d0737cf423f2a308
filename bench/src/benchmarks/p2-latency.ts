import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EngineProcess, GuestProcess, Pulse, Scope } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { BaresipDevice } from '../latency/baresip-device.ts';
import type { Delays } from '../latency/chirps.ts';
import { oneWay } from '../latency/one-way.ts';
import { PLAIN_SOUND } from '../latency/plain-sound.ts';
import { median, round, spread } from '../measure/statistics.ts';
import { atMost, notMeasured, type Figures } from '../report.ts';

/** Latency differs between starts: each figure is the median of so many, taken in turn. */
const STARTS = 5;
const CHIRPS = 8;
const SINKS = ['near-mic', 'near-out', 'far-mic', 'far-out'] as const;
const DIRECTIONS = {
  there: { from: 'near-mic', to: 'far-out' },
  back: { from: 'far-mic', to: 'near-out' },
} as const;
const GOAL = { target: 0.6, unit: 'ratio', peer: 'baresip to baresip, buffers tuned down' };

/** From device to device on one machine: an engine and a phone at each end, against baresip. */
export const p2: Benchmark = {
  id: 'P2',
  what: 'one-way audio latency, device to device',
  beside: 'hairpin',
  run,
};

type Way = keyof typeof DIRECTIONS;
type Measured = Record<Way, Delays>;

async function run({ say, signal, options }: BenchmarkContext): Promise<Figures> {
  const starts = options.sessions ?? STARTS;
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-latency-'));
  const pulse = await Pulse.start(directory, SINKS);
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  try {
    for (let start = 1; start <= starts; start++) {
      signal.throwIfAborted();
      const folder = join(directory, String(start));
      await mkdir(folder);
      ours.push(await offhookCall(pulse, folder));
      theirs.push(await baresipCall(pulse, folder));
      const [own, peer] = [medianOf(ours.slice(-1)), medianOf(theirs.slice(-1))];
      say(`P2: start ${start} of ${starts}: ${round(own, 0)} ms, baresip ${round(peer, 0)} ms`);
    }
  } finally {
    await pulse.stop();
    await rm(directory, { recursive: true, force: true });
  }
  const lost = { offhook: lostOf(ours), baresip: lostOf(theirs) };
  const detail = {
    unit: 'ms',
    starts,
    offhook: report(ours),
    baresip: report(theirs),
    lost,
  };
  const ratio = medianOf(ours) / medianOf(theirs);
  if (Number.isNaN(ratio)) return { P2: notMeasured(GOAL, 'no chirp arrived on one of the sides') };
  const figure = atMost(GOAL, round(ratio), detail);
  // A side that loses chirps has bought its latency with gaps.
  return { P2: { ...figure, met: figure.met && lost.offhook === 0 && lost.baresip === 0 } };
}

async function offhookCall(pulse: Pulse, directory: string): Promise<Measured> {
  return scoped(async (scope) => {
    const ends: GuestProcess[] = [];
    for (const end of ['near', 'far'] as const) {
      const folder = join(directory, end);
      await mkdir(folder);
      const engine = scope.use(
        await EngineProcess.start({
          directory: folder,
          wrap: (program) => pulse.wrap(program),
          config: {
            engine: { log_level: 'info' },
            rtp: { address: '127.0.0.1' },
            audio: {
              input: `pulse:${end}-mic.monitor`,
              output: `pulse:${end}-out`,
              // As baresip does it, and as it is with a headset; see `npm run bench -- echo`.
              ...PLAIN_SOUND,
            },
          },
        }),
      );
      ends.push(
        scope.use(
          await GuestProcess.start({
            directory: folder,
            channel: engine.channel,
            addresses: ['127.0.0.1'],
            accounts: [
              {
                aor: `sip:${end}@127.0.0.1`,
                register: false,
                auto_answer: true,
                codecs: ['PCMA'],
              },
            ],
          }),
        ),
      );
    }
    const [near, far] = ends;
    if (near === undefined || far === undefined) throw new Error('two ends were started');
    await Promise.all(ends.map(({ phone }) => phone.engineConnected()));
    const { id } = await near.phone.dial(`sip:far@127.0.0.1:${far.port}`);
    await near.phone.becomes(id, 'established', 10_000);
    return oneWay(pulse, { directory, chirps: CHIRPS, directions: DIRECTIONS });
  });
}

async function baresipCall(pulse: Pulse, directory: string): Promise<Measured> {
  return scoped(async (scope) => {
    const common = { pulse, directory };
    const far = scope.use(
      await BaresipDevice.start({
        ...common,
        name: 'far',
        microphone: 'far-mic',
        speaker: 'far-out',
      }),
    );
    scope.use(
      await BaresipDevice.start({
        ...common,
        name: 'near',
        microphone: 'near-mic',
        speaker: 'near-out',
        dial: far.port,
      }),
    );
    return oneWay(pulse, { directory, chirps: CHIRPS, directions: DIRECTIONS });
  });
}

async function scoped<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = new Scope();
  try {
    return await work(scope);
  } finally {
    await scope.close();
  }
}

/** The median over starts of the median of both ways. */
function medianOf(all: readonly Measured[]): number {
  return median(all.map(({ there, back }) => median([...there.ms, ...back.ms])));
}

function lostOf(all: readonly Measured[]): number {
  return all.reduce((sum, { there, back }) => sum + there.lost + back.lost, 0);
}

function report(all: readonly Measured[]) {
  return spread(
    all.map(({ there, back }) => median([...there.ms, ...back.ms])),
    1,
  );
}
