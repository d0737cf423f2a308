import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '@offhook/common';
import { createGStreamerPlane } from '../../src/gstreamer/index.ts';
import { RtpPeer } from './rtp-peer.ts';
import { SrtpReader } from './srtp.ts';
import {
  legConfig,
  nextEvent,
  openPlane,
  openSockets,
  srtpKey,
  WORKER_PATH,
  workerPid,
  type TestPlane,
} from './test-plane.ts';

function successor(test: TestPlane, leaseMs = 5000) {
  return createGStreamerPlane({
    workerPath: WORKER_PATH,
    socketPath: test.socketPath,
    logger: silentLogger,
    leaseMs,
  });
}

describe('the next engine', () => {
  it('takes over legs, sockets and tags while the audio plays on', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const idle = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, {
      input: 'tone:440',
      srtp: { tx: srtpKey(), rx: srtpKey() },
      latching: 'follow',
    });
    await here.plane.setLeg(leg);
    await here.plane.setTag(sockets.id, 'session 1');
    await peer.until('packets', () => peer.rtp.length > 5);
    const pid = await workerPid(here.socketPath);
    await here.plane.close({ stopWorker: false });

    const next = await successor(here);
    try {
      const kept = await next.adopt();
      expect(kept.legs).toStrictEqual([leg]);
      expect(kept.sockets.toSorted((a, b) => a.id.localeCompare(b.id))).toStrictEqual([
        { ...sockets, tag: 'session 1' },
        { ...idle, tag: '' },
      ]);
      expect(await workerPid(here.socketPath)).toBe(pid);
      await next.setLeg(leg);
      const before = peer.rtp.length;
      await peer.until('more packets', () => peer.rtp.length > before + 10);
      const packets = peer.packets();
      packets.slice(1).forEach((packet, at) => {
        expect(packet.seq).toBe(((packets[at]?.seq ?? 0) + 1) & 0xffff);
      });
      const reader = new SrtpReader(leg.srtp?.tx.suite ?? '', leg.srtp?.tx.keySalt ?? Buffer.of());
      expect(packets.every((packet) => reader.open(packet.raw, 0) !== undefined)).toBe(true);
      await next.setLeg({ ...leg, direction: 'recvonly' });
      const third = await openSockets(next);
      expect([sockets.id, idle.id]).not.toContain(third.id);
    } finally {
      await next.close({ stopWorker: true });
    }
  });

  it('rebuilds adopted legs when the worker dies later', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const key = srtpKey();
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, { srtp: { tx: key, rx: srtpKey() } }),
    );
    await peer.until('packets', () => peer.rtp.length > 5);
    await here.plane.close({ stopWorker: false });
    const next = await successor(here);
    try {
      await next.adopt();
      process.kill(await workerPid(here.socketPath), 'SIGKILL');
      const before = peer.rtp.length;
      await peer.until('packets again', () => peer.rtp.length > before + 10);
      const packets = peer.packets();
      expect(new Set(packets.map((packet) => packet.ssrc)).size).toBe(1);
      expect(new Set(packets.map((packet) => packet.seq)).size).toBe(packets.length);
      const reader = new SrtpReader(key.suite, key.keySalt);
      expect(packets.every((packet) => reader.open(packet.raw, 0) !== undefined)).toBe(true);
    } finally {
      await next.close({ stopWorker: true });
    }
  });

  it('finds nothing at a fresh worker', async () => {
    await using here = await openPlane();
    expect(await here.plane.adopt()).toStrictEqual({ sockets: [], legs: [], recordings: [] });
  });

  it('that never comes lets the worker end with its lease, the stream with it', async () => {
    await using here = await openPlane({ leaseMs: 300 });
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    await peer.until('packets', () => peer.rtp.length > 5);
    const pid = await workerPid(here.socketPath);
    await here.plane.close({ stopWorker: false });
    const before = peer.rtp.length;
    await peer.until('packets without an engine', () => peer.rtp.length > before + 5);
    await peer.until('a BYE', () =>
      peer.rtcp.some((packet) => packet.includes(Buffer.from([0x81, 203, 0, 1]))),
    );
    await expect.poll(() => alive(pid), { timeout: 3000 }).toBe(false);
  });
});

describe('the lease of a worker', () => {
  it('can be changed, and is that of the next worker, too', async () => {
    await using here = await openPlane({ leaseMs: 60_000 });
    await here.plane.setLease(300);
    const first = await workerPid(here.socketPath);
    const up = nextEvent(here.plane, 'worker', ({ state }) => state === 'up');
    process.kill(first, 'SIGKILL');
    await up;
    const second = await workerPid(here.socketPath);
    await here.plane.close({ stopWorker: false });
    await expect.poll(() => alive(second), { timeout: 3000 }).toBe(false);
  });
});

describe('a worker', () => {
  it('refuses to serve where another one does, by its exit code', async () => {
    await using here = await openPlane();
    for (const [args, code] of [
      [[here.socketPath], 4],
      [[join(here.directory, 'none', 'worker.sock')], 3],
      [[], 2],
      [['a', 'b'], 2],
    ] as const) {
      const child = spawn(WORKER_PATH, args, { stdio: 'ignore' });
      expect((await once(child, 'exit'))[0]).toBe(code);
    }
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
