import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@offhook/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTone, readWav, type Audio } from '@offhook/common/audio';
import type { CodecName } from '@offhook/media-rpc';
import { countersPath } from '../../src/gstreamer/counters.ts';
import { createGStreamerPlane } from '../../src/gstreamer/index.ts';
import { WorkerConnection } from '../../src/gstreamer/worker-connection.ts';
import type {
  CodecConfig,
  LegConfig,
  MediaPlane,
  MediaPlaneEvents,
  RtpSockets,
  SrtpKey,
} from '../../src/media-plane.ts';

export const WORKER_PATH =
  process.env['OFFHOOK_WORKER'] ?? join(import.meta.dirname, '../../build/offhook-worker');

/** A plane with a worker of its own, and what has to be tidied up after it. */
export interface TestPlane extends AsyncDisposable {
  readonly plane: MediaPlane;
  readonly directory: string;
  readonly socketPath: string;
}

export async function openPlane(options: { leaseMs?: number } = {}): Promise<TestPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-plane-'));
  const socketPath = join(directory, 'worker.sock');
  const plane = await planeAt({ socketPath, ...options });
  return {
    plane,
    directory,
    socketPath,
    async [Symbol.asyncDispose]() {
      await plane.close({ stopWorker: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A plane on the worker that serves there, or on a new one. */
export function planeAt(options: { socketPath: string; leaseMs?: number }): Promise<MediaPlane> {
  return createGStreamerPlane({
    workerPath: WORKER_PATH,
    socketPath: options.socketPath,
    logger: silentLogger,
    leaseMs: options.leaseMs ?? 5000,
  });
}

const codecs: Readonly<Record<CodecName, CodecConfig>> = {
  PCMA: { name: 'PCMA', payloadType: 8, clockRate: 8000, ptimeMs: 20 },
  PCMU: { name: 'PCMU', payloadType: 0, clockRate: 8000, ptimeMs: 20 },
  G722: { name: 'G722', payloadType: 9, clockRate: 8000, ptimeMs: 20 },
  opus: {
    name: 'opus',
    payloadType: 111,
    clockRate: 48_000,
    ptimeMs: 20,
    opus: { inbandFec: true, dtx: false },
  },
};

export function codec(name: CodecName, ptimeMs = 20): CodecConfig {
  return { ...codecs[name], ptimeMs };
}

export function srtpKey(suite: SrtpKey['suite'] = 'AES_CM_128_HMAC_SHA1_80'): SrtpKey {
  return { suite, keySalt: new Uint8Array(randomBytes(suite.startsWith('AES_256') ? 46 : 30)) };
}

export function openSockets(plane: MediaPlane, address = '127.0.0.1'): Promise<RtpSockets> {
  return plane.openSockets({ address, ports: { from: 20_000, to: 29_999 }, dscp: 46, tag: '' });
}

/** A leg that sends to `remote`; the rest as in an ordinary call. */
export function legConfig(
  id: string,
  sockets: RtpSockets,
  remote: RtpSockets,
  changes: Partial<LegConfig> = {},
): LegConfig {
  const config = changes.codec ?? codec('PCMA');
  return {
    id,
    sockets: sockets.id,
    direction: 'sendrecv',
    codec: config,
    telephoneEvent: { payloadType: 101, clockRate: config.clockRate },
    remote: { rtp: remote.rtp, rtcp: remote.rtcp, rtcpMux: false },
    latching: 'once',
    input: 'null',
    output: 'null',
    muted: false,
    // Enough for a machine that is busy with other tests.
    jitterBufferMs: { min: 100, max: 200 },
    ...changes,
  };
}

export async function recording(path: string): Promise<Audio> {
  return readWav(await readFile(path));
}

/** Until a recording has at least `ms` of a tone in it. */
export async function played(
  path: string,
  hz: number,
  ms: number,
  deadlineMs = 6000,
): Promise<void> {
  const give = performance.now() + deadlineMs;
  for (;;) {
    const tone = await recording(path).then(
      (audio) => findTone(audio, hz).presentMs,
      () => 0,
    );
    if (tone >= ms) return;
    if (performance.now() > give) throw new Error(`${tone} of ${ms} ms of ${hz} Hz in ${path}`);
    await sleep(50);
  }
}

/** The process id of the worker that serves a plane. */
export async function workerPid(socketPath: string): Promise<number> {
  const connection = await rawWorker(socketPath);
  const { pid } = await connection.request('hello');
  connection.close();
  return pid;
}

/** Kills the worker with SIGKILL while it stands still for `meanwhile`; until the next one serves. */
export async function killWorker(
  test: TestPlane,
  meanwhile: () => Promise<void> | void = () => undefined,
): Promise<void> {
  const up = nextEvent(test.plane, 'worker', (event) => event.state === 'up');
  const pid = await workerPid(test.socketPath);
  process.kill(pid, 'SIGSTOP');
  await meanwhile();
  process.kill(pid, 'SIGKILL');
  await up;
}

/** As if the only leg had sent as many packets already; takes another worker. */
export function pretendSent(test: TestPlane, index: number): Promise<void> {
  return killWorker(test, async () => {
    const file = await open(countersPath(test.socketPath), 'r+');
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(index));
    await file.write(bytes, 0, 8, 16 + 56); // tx_index of the first slot
    await file.close();
  });
}

/** A second client of a worker, to see what the plane does not show. */
export function rawWorker(socketPath: string): Promise<WorkerConnection> {
  return WorkerConnection.open(socketPath, {
    clock: systemClock,
    onEvent: () => undefined,
    onClosed: () => undefined,
  });
}

/** The next event of that name for which `test` holds. */
export function nextEvent<K extends keyof MediaPlaneEvents>(
  plane: MediaPlane,
  name: K,
  test: (event: MediaPlaneEvents[K]) => boolean = () => true,
  ms = 5000,
): Promise<MediaPlaneEvents[K]> {
  const { promise, resolve, reject } = Promise.withResolvers<MediaPlaneEvents[K]>();
  const timer = setTimeout(() => reject(new Error(`no event ${name} within ${ms} ms`)), ms);
  const off = plane.on(name, (event) => {
    if (!test(event)) return;
    clearTimeout(timer);
    off();
    resolve(event);
  });
  return promise;
}
