import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectControl, serveControl, silentLogger, systemClock } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANGED } from '../../src/control/api.ts';
import { controlHandlers } from '../../src/control/handlers.ts';
import { EngineStore } from '../../src/ui/store.ts';
import { origin, startTestEngine, type TestEngine } from '../support/engine.ts';

const ANSWER =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';

let directory: string;
let path: string;
let engine: TestEngine;
let store: EngineStore;
const cleanUp: (() => Promise<void>)[] = [];

async function serve(): Promise<() => Promise<void>> {
  const facts = {
    engine: () => engine.engine,
    listen: () => [],
    desktops: () => [],
    startedAt: 0,
  };
  const methods = controlHandlers(facts);
  const server = await serveControl({ path, logger: silentLogger, methods });
  const off = engine.engine.onChange(() => server.publish(CHANGED, {}));
  return async () => {
    off();
    await server.close();
  };
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-ui-'));
  path = join(directory, 'control.sock');
  engine = await startTestEngine({ config: { policy: { lease: 60 } } });
  store = new EngineStore({ clock: systemClock, connect: () => connectControl(path) });
  cleanUp.push(
    () => rm(directory, { recursive: true, force: true }),
    () => store.close(),
  );
});

afterEach(async () => {
  for (const step of cleanUp.splice(0).toReversed()) await step();
});

async function callOf(instance = 'alice') {
  const guest = engine.guest(instance);
  const id = 'the-only-call-there-is';
  const step = { type: 'offer', direction: 'sendrecv', origin } as const;
  await guest.call('session.open', { id, revision: 1, step });
  await guest.call('session.update', {
    id,
    revision: 2,
    step: { type: 'accept', answer: ANSWER },
  });
  return { guest, id };
}

const view = () => store.getState();

describe('the store behind the engine’s screen', () => {
  it('follows calls and guests, and tells its listeners', async () => {
    cleanUp.push(await serve());
    let told = 0;
    await store.start();
    store.subscribe(() => told++);
    expect(view().status?.calls).toBe(0);
    const { guest, id } = await callOf();
    await expect.poll(() => view().calls.map((call) => call.id)).toEqual([id]);
    expect(told).toBeGreaterThan(0);
    await engine.engine.detach(guest.view);
    await expect.poll(() => view().calls[0]?.guestConnected, { timeout: 3000 }).toBe(false);
    expect(view().calls[0]?.leaseEndsAt).toBe(engine.clock.wall() + 60_000);
  });

  it('mutes and hangs up while the guest is away', async () => {
    cleanUp.push(await serve());
    await store.start();
    const { guest, id } = await callOf();
    await engine.engine.detach(guest.view);
    store.mute(id, true);
    await expect.poll(() => view().calls[0]?.locallyMuted).toBe(true);
    store.muteAll(false);
    await expect.poll(() => view().calls[0]?.locallyMuted).toBe(false);
    store.take(id);
    store.hangup(id);
    await expect.poll(() => view().calls[0]?.state).toBe('closed');
    expect(engine.plane.worker.legs.size).toBe(0);
  });

  it('changes devices and volumes, and says what could not be done', async () => {
    cleanUp.push(await serve());
    await store.start();
    store.volume('output', 0.5);
    await expect.poll(() => view().status?.volumes.output).toBe(0.5);
    store.select('output', 'pulse:nowhere');
    await expect.poll(() => view().notice).toMatch(/pulse:nowhere/);
    store.dismiss();
    expect(view().notice).toBeUndefined();
    store.select('output', 'pulse:headset');
    await expect.poll(() => view().status?.devices.output).toBe('pulse:headset');
  });

  it('says that the engine has gone, and finds the next one', async () => {
    const stop = await serve();
    await store.start();
    await stop();
    await expect.poll(() => view().lost).toBeDefined();
    cleanUp.push(await serve());
    await expect.poll(() => view().lost, { timeout: 3000 }).toBeUndefined();
  });

  it('looks for an engine that is not there yet', async () => {
    await store.start();
    expect(view().lost).toMatch(/control/);
    cleanUp.push(await serve());
    await expect.poll(() => view().status, { timeout: 3000 }).toBeDefined();
  });
});
