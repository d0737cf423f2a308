import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@offhook/common';
import { connectCti } from '@offhook/cti-bridge/client';
import { connectionId, FakeManager } from '@offhook/test-cti/fake-manager';
import { RedisServer } from '@offhook/test-cti/redis-server';
import { SiteNode, TOKEN as SITE_TOKEN } from '@offhook/test-cti/site-node';
import { freePort, ManagedProcess, until } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { memory } from '../measure/proc.ts';
import { quantile, round } from '../measure/statistics.ts';
import { atMost, type Figures } from '../report.ts';

const BRIDGE = join(import.meta.dirname, '../../../cti-bridge/dist/offhook-cti.js');
const DEVICES = 1000;
const MANY_DEVICES = 5000;
const PER_SECOND = 200;
const SECONDS = 20;
const TOKEN = 'bench';

/** P11: what the bridge adds to the way of an event, and what a monitored device costs. */
export const cti: Benchmark = { id: 'cti', what: 'desk phones: events, memory, reconnect', run };

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const { raw, whole } = await delays(signal);
  const [rawP99, wholeP99] = [quantile(raw, 0.99), quantile(whole, 0.99)];
  say(
    `cti: p99 ${round(wholeP99, 2)} ms to a subscriber, ${round(rawP99, 2)} ms on the raw socket`,
  );
  const perDevice = await memoryPerDevice();
  const reconnect = await reconnectMs();
  say(`cti: ${round(perDevice.kb, 1)} kB a device, ${round(reconnect, 0)} ms to reconnect`);
  const site = await sharedSite(signal);
  say(`cti: ${round(site.takeoverMs, 0)} ms until a second bridge has what a dead one had`);
  const unit = { event: 'ms', memory: 'kB', reconnect: 'ms' };
  const shared = { target: 3000, unit: 'ms', peer: 'none' };
  return {
    P11: atMost(
      { target: 5, unit: unit.event, peer: "the adapter's raw socket" },
      round(wholeP99 - rawP99, 2),
      {
        devices: DEVICES,
        perSecond: PER_SECOND,
        events: whole.length,
        p50: { bridge: round(quantile(whole, 0.5), 2), raw: round(quantile(raw, 0.5), 2) },
        p99: { bridge: round(wholeP99, 2), raw: round(rawP99, 2) },
      },
    ),
    'P11.memory': atMost({ target: 20, unit: unit.memory, peer: 'none' }, round(perDevice.kb, 2), {
      ...perDevice,
      note: 'resident memory with 5,000 devices in a call each, less that with one',
    }),
    'P11.reconnect': atMost(
      { target: 1000, unit: unit.reconnect, peer: 'none' },
      round(reconnect, 0),
      {
        devices: DEVICES,
        note: 'from the end of the connection to the PBX until the bridge is ready again',
      },
    ),
    'P11.shared': atMost(shared, round(site.takeoverMs, 0), {
      devices: MANY_DEVICES,
      bridges: 2,
      startMs: round(site.startMs, 0),
      p50: round(quantile(site.whole, 0.5), 2),
      p99: round(quantile(site.whole, 0.99), 2),
      note: 'from the kill of one bridge until its PBX is told of again by the other; p50 and p99: from an event to a subscriber through Redis',
    }),
  };
}

/** From the PBX's write of an event to its reading: by a raw socket, and by a subscriber. */
async function delays(signal: AbortSignal): Promise<{ raw: number[]; whole: number[] }> {
  const bed = await Bed.open(DEVICES);
  const raw: number[] = [];
  const whole: number[] = [];
  const saidAt = new Map<string, number>();
  const client = await connectCti({ url: bed.url, token: () => TOKEN });
  const socket = connect({ host: '127.0.0.1', port: bed.manager.port });
  try {
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const [last = '', ...packets] = (rest + text).split('\r\n\r\n').toReversed();
      rest = last;
      for (const packet of packets) {
        const at = saidAt.get(`bench:${/^Uniqueid: (.*)$/m.exec(packet)?.[1]?.trim() ?? ''}`);
        if (at !== undefined) raw.push(performance.now() - at);
      }
    });
    client.on('event', ({ event }) => {
      const at = saidAt.get(event.connection?.id ?? '');
      if (at !== undefined) whole.push(performance.now() - at);
    });
    const count = PER_SECOND * SECONDS;
    const start = performance.now();
    for (let n = 0; n < count && !signal.aborted; n++) {
      const device = n % DEVICES;
      saidAt.set(connectionId(device), performance.now());
      bed.manager.hold(device, Math.floor(n / DEVICES) % 2 === 0);
      const next = start + ((n + 1) * 1000) / PER_SECOND - performance.now();
      if (next > 0) await new Promise((resolve) => setTimeout(resolve, next));
    }
    await until('every event to arrive', () => whole.length >= count, { within: 5000 });
    return { raw, whole };
  } finally {
    socket.destroy();
    client.close();
    await bed.close();
  }
}

async function memoryPerDevice(): Promise<{ kb: number; emptyMb: number; fullMb: number }> {
  const measured: number[] = [];
  for (const devices of [1, MANY_DEVICES]) {
    const bed = await Bed.open(devices);
    try {
      // A subscriber as well: it makes the bridge write its snapshot.
      (await connectCti({ url: bed.url, token: () => TOKEN })).close();
      measured.push(memory(bed.process.pid).rssMb);
    } finally {
      await bed.close();
    }
  }
  const [emptyMb = 0, fullMb = 0] = measured;
  return {
    kb: ((fullMb - emptyMb) * 1e3) / MANY_DEVICES,
    emptyMb: round(emptyMb, 1),
    fullMb: round(fullMb, 1),
  };
}

async function reconnectMs(): Promise<number> {
  const bed = await Bed.open(DEVICES);
  try {
    const before = systemClock.now();
    bed.manager.dropConnections();
    await until('the bridge to notice', async () => !(await bed.isReady()), {
      within: 5000,
      every: 5,
    });
    await until('the bridge to be back', () => bed.isReady(), { within: 10_000, every: 5 });
    return systemClock.now() - before;
  } finally {
    await bed.close();
  }
}

/** 5,000 devices of two PBXs, shared by two bridges through a real Redis; then one is killed. */
async function sharedSite(
  signal: AbortSignal,
): Promise<{ startMs: number; whole: number[]; takeoverMs: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-site-'));
  const redis = await RedisServer.start(directory);
  const half = MANY_DEVICES / 2;
  const [east, west] = [
    await FakeManager.start(half, 'east'),
    await FakeManager.start(half, 'west'),
  ];
  const pbxs = { bench: east.port, west: west.port };
  const since = systemClock.now();
  const options = { directory, redis: redis.url, leaseMs: 1500, pbxs, program: BRIDGE };
  const nodes = await Promise.all([SiteNode.start(options), SiteNode.start(options)]);
  const owner = async () => {
    for (const node of nodes) if ((await node.own()).includes('bench')) return node;
    return undefined;
  };
  await until(
    'each bridge to have a PBX',
    async () =>
      (await Promise.all(nodes.map((node) => node.own()))).every((own) => own.length === 1),
    { within: 30_000, every: 50 },
  );
  await Promise.all(nodes.map((node) => node.ready(30_000)));
  const startMs = systemClock.now() - since;
  const dying = await owner();
  // Somebody at the other bridge: events go through Redis.
  const url = nodes.filter((node) => node !== dying).map((node) => node.url);
  const client = await connectCti({ url, token: () => SITE_TOKEN });
  const whole: number[] = [];
  const saidAt = new Map<string, number>();
  let last = 0;
  client.on('event', ({ event }) => {
    const at = saidAt.get(event.connection?.id ?? '');
    if (at === undefined) return;
    whole.push(performance.now() - at);
    last = performance.now();
  });
  const say = async (count: number, enough: () => boolean) => {
    const start = performance.now();
    for (let n = 0; n < count && !signal.aborted && !enough(); n++) {
      const device = n % half;
      saidAt.set(connectionId(device), performance.now());
      east.hold(device, Math.floor(n / half) % 2 === 0);
      const next = start + ((n + 1) * 1000) / PER_SECOND - performance.now();
      if (next > 0) await new Promise((resolve) => setTimeout(resolve, next));
    }
  };
  try {
    await say((PER_SECOND * SECONDS) / 2, () => false);
    const measured = [...whole];
    dying?.process.killNow();
    await dying?.process.exited;
    const killed = performance.now();
    saidAt.clear();
    await say(PER_SECOND * 10, () => last > killed);
    return { startMs, whole: measured, takeoverMs: last - killed };
  } finally {
    client.close();
    await Promise.all(nodes.map((node) => node.stop()));
    await Promise.all([east.close(), west.close()]);
    await redis.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A bridge process with a PBX of so many devices. */
class Bed {
  readonly manager: FakeManager;
  readonly process: ManagedProcess;
  readonly url: string;
  readonly #directory: string;

  private constructor(parts: {
    manager: FakeManager;
    process: ManagedProcess;
    url: string;
    directory: string;
  }) {
    this.manager = parts.manager;
    this.process = parts.process;
    this.url = parts.url;
    this.#directory = parts.directory;
  }

  static async open(devices: number): Promise<Bed> {
    const manager = await FakeManager.start(devices);
    const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-cti-'));
    const port = await freePort();
    const config = join(directory, 'config.toml');
    await writeFile(join(directory, 'secret'), 'x', { mode: 0o600 });
    await writeFile(
      config,
      `[listen]
port = ${port}
[[pbx]]
kind = "asterisk"
name = "bench"
port = ${manager.port}
username = "bench"
secret_file = "${join(directory, 'secret')}"
[[token]]
name = "bench"
sha256 = "${createHash('sha256').update(TOKEN).digest('hex')}"
devices = ["*"]
scopes = ["monitor"]
[log]
level = "error"
`,
    );
    const child = new ManagedProcess({
      name: 'offhook-cti',
      command: process.execPath,
      args: [BRIDGE, 'run', '--config', config],
    });
    const bed = new Bed({ manager, process: child, url: `http://127.0.0.1:${port}`, directory });
    await child.ready(async () => /^ready$/m.test(child.output) && (await bed.isReady()), {
      within: 20_000,
    });
    return bed;
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.url}/readyz`)).ok;
  }

  async close(): Promise<void> {
    await this.process.stop();
    await this.manager.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
