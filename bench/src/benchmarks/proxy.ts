import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { stopProcess, withDeadline } from '@offhook/common';
import type { SpiceSource } from '@offhook/virtual-channel/spice';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { median, round, spread } from '../measure/statistics.ts';
import { DisplayViewer } from '../proxy/display-viewer.ts';
import { COMMON_NAME, type ServerPlace } from '../proxy/wire.ts';
import { atMost, type Figures } from '../report.ts';

/** What a Gigabit network carries of TCP: 1448 of each 1538 bytes on the wire. */
const GIGABIT = Math.round((1e9 / 8) * (1448 / 1538));
const PACED_BYTES = 64 * 1024 * 1024;
const FREE_BYTES = 128 * 1024 * 1024;
const ROUNDS = 10;
const ECHOES = 1500;
const START_MS = 15_000;

export const proxy: Benchmark = {
  id: 'proxy',
  what: 'a viewer’s display channel through the proxy and past it: throughput, latency',
  run,
};

interface Samples {
  /** Bytes a second at the rate of a Gigabit network, and without a limit. */
  readonly paced: number[];
  readonly free: number[];
  /** Milliseconds. */
  readonly echo: number[];
}

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const server = await start('display-server.ts');
  const place = server.place as ServerPlace;
  try {
    const base = { host: '127.0.0.1', password: '', secureChannels: [] };
    const plain = { ...base, port: place.port };
    const { tlsPort, ca } = place;
    const secure = { ...base, tlsPort, ca, hostSubject: `CN=${COMMON_NAME}` };
    return {
      ...(await compare('', plain, say, signal)),
      ...(await compare('.tls', secure, say, signal)),
    };
  } finally {
    await server.stop();
  }
}

/** In turn, so that whatever else the machine does meets both. */
async function compare(
  suffix: string,
  source: SpiceSource,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const between = await start('viewer-proxy.ts', JSON.stringify(source));
  const proxied = between.place as SpiceSource;
  const without: Samples = { paced: [], free: [], echo: [] };
  const through: Samples = { paced: [], free: [], echo: [] };
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [place, samples] of [
        [source, without],
        [proxied, through],
      ] as const) {
        signal.throwIfAborted();
        const taken = await sample(place, signal);
        // The first round warms code and buffers up.
        if (round > 0) add(samples, taken);
      }
    }
  } finally {
    await between.stop();
  }
  say(`proxy${suffix}: ${ROUNDS} rounds each way`);
  // The best of each: whatever else the machine does only takes away from them.
  const cost = 100 * (1 - Math.max(...through.paced) / Math.max(...without.paced));
  const added = median(through.echo) - median(without.echo);
  return {
    [`proxy.throughput${suffix}`]: atMost(
      { target: 5, unit: '% less', peer: 'the same server without the proxy, at Gigabit rate' },
      round(cost),
      {
        megabytesPerSecond: { direct: rates(without.paced), proxied: rates(through.paced) },
        withoutLimit: { direct: rates(without.free), proxied: rates(through.free) },
      },
    ),
    [`proxy.latency${suffix}`]: atMost(
      { target: 0.3, unit: 'ms more', peer: 'the same server without the proxy, there and back' },
      round(added, 3),
      { milliseconds: { direct: spread(without.echo, 3), proxied: spread(through.echo, 3) } },
    ),
  };
}

async function sample(source: SpiceSource, signal: AbortSignal): Promise<Samples> {
  const viewer = await DisplayViewer.open(source, signal);
  try {
    const echo = await viewer.echo(ECHOES);
    const paced = [await viewer.pour(PACED_BYTES, GIGABIT)];
    return { echo, paced, free: [await viewer.pour(FREE_BYTES, 0)] };
  } finally {
    viewer.close();
  }
}

function add(samples: Samples, taken: Samples): void {
  samples.paced.push(...taken.paced);
  samples.free.push(...taken.free);
  samples.echo.push(...taken.echo);
}

function rates(samples: readonly number[]) {
  return spread(
    samples.map((bytes) => bytes / 1e6),
    0,
  );
}

/** A process of these measurements, which prints in one line where it is. */
async function start(script: string, ...args: readonly string[]) {
  const path = join(import.meta.dirname, '..', 'proxy', script);
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const what = { layer: 'system', what: `starting ${script}`, ms: START_MS } as const;
  const lines = createInterface({ input: child.stdout });
  const [line] = (await withDeadline(what, () => once(lines, 'line'))) as [string];
  return { place: JSON.parse(line) as unknown, stop: () => stopProcess(child) };
}
