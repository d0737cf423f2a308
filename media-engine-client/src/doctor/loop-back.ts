import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findTone, readWav, type ToneReport } from '@offhook/common/audio';
import type { LegConfig, MediaPlane, RtpSockets } from '../media-plane.ts';
import { fail, ok, type CheckFinding } from './check.ts';

const LEFT_HZ = 440;
const RIGHT_HZ = 660;
const HEARD_MS = 500;
const DEADLINE_MS = 8000;
const LOOK_EVERY_MS = 100;

/**
 * Two legs of a real worker call each other over the loopback address; each plays a tone, and what
 * the other would put into a headset is measured.
 */
export async function checkLoopBack(plane: MediaPlane, directory: string): Promise<CheckFinding> {
  const ports = { from: 20_000, to: 60_999 };
  const open = () => plane.openSockets({ address: '127.0.0.1', ports, dscp: 0, tag: '' });
  const [left, right] = [await open(), await open()];
  const heardLeft = join(directory, 'left.wav');
  const heardRight = join(directory, 'right.wav');
  await plane.setLeg(leg(left, right, `tone:${LEFT_HZ}`, heardLeft));
  await plane.setLeg(leg(right, left, `tone:${RIGHT_HZ}`, heardRight));
  const started = performance.now();
  try {
    for (;;) {
      const reports = [await listen(heardLeft, RIGHT_HZ), await listen(heardRight, LEFT_HZ)];
      const elapsed = performance.now() - started;
      if (reports.every((report) => report.presentMs >= HEARD_MS)) {
        const { rttMs } = await plane.stats(left.id);
        const rtt = rttMs === undefined ? '' : `, round trip ${rttMs.toFixed(1)} ms`;
        return ok(`tones heard both ways after ${Math.round(elapsed)} ms${rtt}`);
      }
      if (elapsed > DEADLINE_MS) {
        const heard = reports.map((report) => `${Math.round(report.presentMs)} ms`).join(' and ');
        return fail(`of the tones ${heard} were heard in ${DEADLINE_MS / 1000} s`);
      }
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    await plane.closeSockets(left.id);
    await plane.closeSockets(right.id);
  }
}

function leg(own: RtpSockets, peer: RtpSockets, input: string, file: string): LegConfig {
  return {
    id: own.id,
    sockets: own.id,
    direction: 'sendrecv',
    codec: { name: 'PCMA', payloadType: 8, clockRate: 8000, ptimeMs: 20 },
    remote: { rtp: peer.rtp, rtcp: peer.rtcp, rtcpMux: false },
    latching: 'off',
    input,
    output: `file:${file}`,
    muted: false,
    jitterBufferMs: { min: 20, max: 100 },
  };
}

async function listen(file: string, hz: number): Promise<Pick<ToneReport, 'presentMs'>> {
  try {
    return findTone(readWav(await readFile(file)), hz);
  } catch {
    // Not there yet, or without a whole header.
    return { presentMs: 0 };
  }
}
