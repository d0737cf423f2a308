import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@offhook/common';
import { readWav, type Audio } from '@offhook/common/audio';
import type { CodecName } from '@offhook/media-rpc';
import { createGStreamerPlane } from '../../src/gstreamer/index.ts';
import type { CodecConfig, LegConfig, MediaPlane, RtpSockets } from '../../src/media-plane.ts';

export const WORKER_PATH =
  process.env['OFFHOOK_WORKER'] ??
  join(import.meta.dirname, '../../build/offhook-worker');

/** A plane with a worker of its own, and what has to be tidied up after it. */
export interface TestPlane extends AsyncDisposable {
  readonly plane: MediaPlane;
  readonly directory: string;
  readonly socketPath: string;
}

export async function openPlane(options: { leaseMs?: number } = {}): Promise<TestPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-plane-'));
  const socketPath = join(directory, 'worker.sock');
  const plane = await createGStreamerPlane({
    workerPath: WORKER_PATH,
    socketPath,
    logger: silentLogger,
    leaseMs: options.leaseMs ?? 5000,
  });
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
    jitterBufferMs: { min: 20, max: 200 },
    ...changes,
  };
}

export async function recording(path: string): Promise<Audio> {
  return readWav(await readFile(path));
}
