import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { levelOf, locate, loss } from '../echo/analysis.ts';
import { hear, RATE, type Heard } from '../echo/simulated-room.ts';
import { PLAYED_MS, VoiceWorker } from '../echo/worker.ts';
import { cpuPercent } from '../measure/proc.ts';
import { round } from '../measure/statistics.ts';
import { atLeast, atMost, notMeasured, type Figures } from '../report.ts';

const PATHS_MS = [10, 40, 80, 120, 180, 250];
/** Seconds in which the echo has to be gone, and in which the person in the room speaks at the same time. */
const CONVERGED = { from: 3, to: 6 };
const SPEAKS = { from: 8, to: 12 };
const ERLE = { target: 30, unit: 'dB', peer: 'what the microphone heard' };
const DOUBLE_TALK = { target: 6, unit: 'dB', peer: 'what the person in the room said' };
const QUIET = -75;
const ECHO = 'echo-cancellation=true';
const MODERATE = 'noise-suppression=2';

/** Echo cancellation in simulated rooms by the worker's own elements, and what it costs. */
export const echo: Benchmark = {
  id: 'echo',
  what: 'echo cancellation, noise, and their price',
  run,
};

async function run(context: BenchmarkContext): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-echo-'));
  const worker = await VoiceWorker.start(directory);
  try {
    return {
      ...(await paths(worker, context)),
      ...(await change(worker, context)),
      ...(await price(worker)),
    };
  } finally {
    await worker.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Far end from the start, later both at once; all paths at once, each on a bus of its own. */
async function paths(worker: VoiceWorker, { say }: BenchmarkContext): Promise<Figures> {
  const all = PATHS_MS.map(async (ms) => {
    const heard = hear({
      seconds: 13,
      far: { from: 0, to: 13 },
      near: SPEAKS,
      noiseDb: QUIET,
      pathMs: () => PLAYED_MS + ms,
    });
    const sent = await worker.process(`path-${ms}`, heard, ECHO);
    const said = heard.near.subarray(SPEAKS.from * RATE, SPEAKS.to * RATE);
    const arrived = locate(said, sent);
    const erle = course(heard, sent);
    say(`echo: ${ms} ms: ${erle.join(' ')} dB by half seconds`);
    return {
      ms,
      erle: round(erleOf(heard, sent, CONVERGED), 1),
      doubleTalk: round(loss(said, sent, arrived), 1),
      detail: { erleByHalfSeconds: erle },
    };
  });
  const figures: Figures = {};
  for (const { ms, erle, doubleTalk, detail } of await Promise.all(all)) {
    figures[`echo.erle.${ms}`] = atLeast(ERLE, erle, detail);
    figures[`echo.doubleTalk.${ms}`] = atMost(DOUBLE_TALK, doubleTalk, detail);
  }
  return figures;
}

/** The echo takes a way that is 60 ms longer in the middle of the call: how soon it is gone again. */
async function change(worker: VoiceWorker, { say }: BenchmarkContext): Promise<Figures> {
  const goal = { target: 3, unit: 's', peer: 'a way of the echo that is 60 ms longer' };
  const AT = 6;
  const heard = hear({
    seconds: 14,
    far: { from: 0, to: 14 },
    near: { from: 14, to: 14 },
    noiseDb: QUIET,
    pathMs: (second) => PLAYED_MS + (second < AT ? 80 : 140),
  });
  const erle = course(heard, await worker.process('change', heard, ECHO));
  say(`echo: 80 to 140 ms after ${AT} s: ${erle.join(' ')} dB by half seconds`);
  const again = erle.findIndex((db, half) => half > 2 * AT && db >= ERLE.target);
  const detail = { unit: 's', erleByHalfSeconds: erle };
  if (again === -1) return { 'echo.change': notMeasured(goal, 'the echo stayed') };
  return { 'echo.change': atMost(goal, again / 2 - AT, detail) };
}

/** What noise suppression takes away, and what all of it costs. */
async function price(worker: VoiceWorker): Promise<Figures> {
  const heard = hear({
    seconds: 10,
    far: { from: 0, to: 3 },
    near: { from: 5, to: 10 },
    noiseDb: -50,
    pathMs: () => PLAYED_MS + 60,
  });
  const [off, echoOn, both] = [
    await measured(worker, 'off', heard, ''),
    await measured(worker, 'echo', heard, ECHO),
    await measured(worker, 'both', heard, `${ECHO} ${MODERATE}`),
  ];
  const ms = (samples: number) => round((1000 * samples) / RATE, 1);
  return {
    'echo.added': atMost(
      { target: 10, unit: 'ms', peer: 'the same with it off' },
      ms(echoOn.way - off.way),
      { off: ms(off.way), withNoiseSuppression: ms(both.way - off.way), unit: 'ms' },
    ),
    'echo.noise': atLeast(
      { target: 8, unit: 'dB', peer: 'noise of -50 dBFS, suppression moderate' },
      round(off.noiseDb - both.noiseDb, 1),
      { nearEndLossDb: round(both.loss, 1) },
    ),
    'echo.cpu': atMost(
      { target: 5, unit: '% of a core', peer: 'the same with it off' },
      round(echoOn.cpu - off.cpu, 1),
      { off: round(off.cpu, 1), withNoiseSuppression: round(both.cpu - off.cpu, 1), unit: '%' },
    ),
  };
}

async function measured(worker: VoiceWorker, name: string, heard: Heard, properties: string) {
  let cpu = Number.NaN;
  const sent = await worker.process(name, heard, properties, async () => {
    cpu = await cpuPercent([worker.pid], 8000);
  });
  const said = heard.near.subarray(5 * RATE, 9 * RATE);
  const arrived = locate(said, sent);
  return {
    way: arrived - 5 * RATE,
    loss: loss(said, sent, arrived),
    noiseDb: levelOf(sent, 4 * RATE, 0.9),
    cpu,
  };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** How much less of what the microphone heard is sent, dB, by half seconds. */
function course(heard: Heard, sent: Float32Array): readonly number[] {
  const halves = Math.floor((2 * sent.length) / RATE);
  return Array.from({ length: halves }, (_, half) =>
    round(erleOf(heard, sent, { from: half / 2, to: (half + 1) / 2 }), 0),
  );
}

function erleOf({ microphone }: Heard, sent: Float32Array, { from, to }: Span): number {
  const seconds = to - from;
  return levelOf(microphone, from * RATE, seconds) - levelOf(sent, from * RATE, seconds);
}
