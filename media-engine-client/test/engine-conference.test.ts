import { describe, expect, it } from 'vitest';
import { peerSdp } from './sdp/support.ts';
import { origin, startTestEngine, type TestGuest } from './support/engine.ts';
import { MemoryWorker } from './support/memory-plane.ts';

const answer = { type: 'answer', offer: peerSdp(), direction: 'sendrecv', origin } as const;

const open = (guest: TestGuest, id: string) =>
  guest.call('session.open', { id, revision: 1, step: answer });
const put = (guest: TestGuest, id: string, conference: string | null) =>
  guest.call('session.conference', { id, conference });

describe('a conference', () => {
  it('has every leg hear the others, and no two calls elsewhere', async () => {
    const { plane, guest } = await startTestEngine();
    const [alice, bob] = [guest('alice'), guest('bob')];
    for (const id of ['a', 'b', 'c']) await open(alice, id);
    await open(bob, 'x');
    const legs = () =>
      Object.fromEntries([...plane.worker.legs].map(([id, { hears }]) => [id, hears]));
    await put(alice, 'a', 'team');
    expect(legs()).toEqual({ s1: undefined, s2: undefined, s3: undefined, s4: undefined });
    await put(alice, 'b', 'team');
    // Another guest's conference of the same name is another one.
    await put(bob, 'x', 'team');
    await expect.poll(legs).toEqual({ s1: ['s2'], s2: ['s1'], s3: undefined, s4: undefined });
    await put(alice, 'c', 'team');
    await expect
      .poll(legs)
      .toEqual({ s1: ['s2', 's3'], s2: ['s1', 's3'], s3: ['s1', 's2'], s4: undefined });
    await put(alice, 'a', null);
    await expect.poll(legs).toMatchObject({ s1: undefined, s2: ['s3'], s3: ['s2'] });
    await alice.call('session.close', { id: 'b' });
    await expect.poll(legs).toEqual({ s1: undefined, s3: undefined, s4: undefined });
  });

  it('is live as a whole; a call on hold is neither heard nor hears', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest('alice');
    for (const id of ['a', 'b', 'c']) await open(alice, id);
    const muted = () =>
      Object.fromEntries([...plane.worker.legs].map(([id, { muted }]) => [id, muted]));
    await expect.poll(muted).toEqual({ s1: true, s2: true, s3: false });
    await put(alice, 'b', 'team');
    await put(alice, 'c', 'team');
    await expect.poll(muted).toEqual({ s1: true, s2: false, s3: false });
    const hold = { type: 'offer', direction: 'sendonly', origin: { ...origin, version: 2 } };
    await alice.call('session.update', { id: 'b', revision: 2, step: hold as never });
    await expect
      .poll(() => [...plane.worker.legs.values()].map(({ hears }) => hears))
      .toEqual([undefined, undefined, undefined]);
  });

  it('goes on with the next engine', async () => {
    const worker = new MemoryWorker();
    const first = await startTestEngine({ worker });
    const alice = first.guest('alice');
    for (const id of ['a', 'b']) {
      await open(alice, id);
      await put(alice, id, 'team');
    }
    await expect.poll(() => worker.legs.get('s1')?.hears).toEqual(['s2']);
    const second = await startTestEngine({ worker });
    const { sessions } = await second.guest('alice').call('snapshot', {});
    expect(sessions.map(({ conference }) => conference)).toEqual(['team', 'team']);
    expect(worker.legs.get('s1')?.hears).toEqual(['s2']);
  });
});
