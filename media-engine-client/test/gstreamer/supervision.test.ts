import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger, systemClock, type Clock } from '@offhook/common';
import { createGStreamerPlane } from '../../src/gstreamer/index.ts';
import { RtpPeer } from './rtp-peer.ts';
import {
  legConfig,
  openPlane,
  openSockets,
  nextEvent,
  workerPid,
  WORKER_PATH,
} from './test-plane.ts';

/** Time that passes so many times as fast. */
function fastClock(factor: number): Clock {
  return {
    now: () => systemClock.now() * factor,
    wall: () => systemClock.wall(),
    after: (ms, fn) => systemClock.after(ms / factor, fn),
  };
}

describe('a worker that cannot run', () => {
  it('is told as such when there is none', async () => {
    await expect(
      createGStreamerPlane({
        workerPath: '/nonexistent/offhook-worker',
        socketPath: join(tmpdir(), 'offhook-none.sock'),
        logger: silentLogger,
      }),
    ).rejects.toMatchObject({ layer: 'worker', code: 'not-started' });
  });

  it('is told as such when its socket cannot be made', async () => {
    await expect(
      createGStreamerPlane({
        workerPath: WORKER_PATH,
        socketPath: '/nonexistent/worker.sock',
        logger: silentLogger,
      }),
    ).rejects.toMatchObject({ layer: 'worker', code: 'not-started' });
  });
});

describe('a worker that keeps dying', () => {
  it('is given up for a while, after which calls are refused, and then tried again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-dying-'));
    const script = join(directory, 'worker');
    const broken = join(directory, 'broken');
    await writeFile(script, `#!/bin/sh\n[ -e ${broken} ] && exit 1\nexec ${WORKER_PATH} "$@"\n`);
    await chmod(script, 0o755);
    const socketPath = join(directory, 'worker.sock');
    const plane = await createGStreamerPlane({
      workerPath: script,
      socketPath,
      logger: silentLogger,
      clock: fastClock(20),
    });
    try {
      await writeFile(broken, '');
      const failed = nextEvent(plane, 'worker', ({ state }) => state === 'failed', 9000);
      const restarting = nextEvent(plane, 'worker', ({ state }) => state === 'restarting');
      process.kill(await workerPid(socketPath), 'SIGKILL');
      await restarting;
      await failed;
      await expect(openSockets(plane)).rejects.toMatchObject({ code: 'worker-down' });
      const up = nextEvent(plane, 'worker', ({ state }) => state === 'up', 9000);
      await rm(broken);
      await up;
      await expect(openSockets(plane)).resolves.toBeDefined();
    } finally {
      await plane.close({ stopWorker: true });
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('a new worker whose ports are still taken', () => {
  it('makes way for another try', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-taken-'));
    const [script, hold] = [join(directory, 'worker'), join(directory, 'hold')];
    const wait = `while [ -e ${hold} ]; do sleep 0.05; done`;
    await writeFile(script, `#!/bin/sh\n${wait}\nexec ${WORKER_PATH} "$@"\n`);
    await chmod(script, 0o755);
    const socketPath = join(directory, 'worker.sock');
    const thief = createSocket('udp4');
    const refused = Promise.withResolvers<void>();
    const plane = await createGStreamerPlane({
      workerPath: script,
      socketPath,
      logger: { ...silentLogger, error: () => refused.resolve() },
    });
    try {
      const { rtp } = await openSockets(plane);
      await writeFile(hold, '');
      const restarting = nextEvent(plane, 'worker', ({ state }) => state === 'restarting');
      const up = nextEvent(plane, 'worker', ({ state }) => state === 'up');
      process.kill(await workerPid(socketPath), 'SIGKILL');
      await restarting;
      await expect.poll(() => bound(thief, rtp.port)).toBe(true);
      await rm(hold);
      await refused.promise;
      thief.close();
      await up;
    } finally {
      await plane.close({ stopWorker: true });
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('a worker that hangs', () => {
  it('is killed, and its legs are rebuilt', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-hanging-'));
    const socketPath = join(directory, 'worker.sock');
    await using peer = await RtpPeer.open();
    const plane = await createGStreamerPlane({
      workerPath: WORKER_PATH,
      socketPath,
      logger: silentLogger,
      clock: fastClock(10),
    });
    try {
      const sockets = await openSockets(plane);
      await plane.setLeg(legConfig('a', sockets, peer.sockets));
      await peer.until('packets', () => peer.rtp.length > 5);
      const up = nextEvent(plane, 'worker', ({ state }) => state === 'up', 9000);
      process.kill(await workerPid(socketPath), 'SIGSTOP');
      await up;
      const before = peer.rtp.length;
      await peer.until('packets again', () => peer.rtp.length > before + 5);
      expect(new Set(peer.packets().map((packet) => packet.ssrc)).size).toBe(1);
    } finally {
      await plane.close({ stopWorker: true });
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('a plane that is closed', () => {
  it('leaves no port bound once its worker has stopped, and refuses everything', async () => {
    await using here = await openPlane();
    const { rtp } = await openSockets(here.plane);
    await here.plane.close({ stopWorker: true });
    await here.plane.close({ stopWorker: true });
    await expect(openSockets(here.plane)).rejects.toMatchObject({ code: 'worker-down' });
    await using next = await openPlane();
    const ports = { from: rtp.port, to: rtp.port + 1 };
    await expect(
      next.plane.openSockets({ address: '127.0.0.1', ports, dscp: 0, tag: '' }),
    ).resolves.toMatchObject({ rtp });
  });
});

/** A process that was killed lets go of its ports a moment later. */
async function bound(socket: Socket, port: number): Promise<boolean> {
  socket.bind({ port, address: '127.0.0.1', exclusive: true });
  try {
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  }
}
