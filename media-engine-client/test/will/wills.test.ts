import { describe, expect, it } from 'vitest';
import { ManualClock } from '@offhook/common';
import { mediaError, type LastWill, type WillResult } from '@offhook/media-rpc';
import { defineEngineConfig } from '../../src/config.ts';
import type { SettingsStore } from '../../src/settings.ts';
import { WillPolicy } from '../../src/will/will-policy.ts';
import { origin, startTestEngine } from '../support/engine.ts';
import { MemoryWorker } from '../support/memory-plane.ts';

const will: LastWill = {
  transport: 'udp',
  destination: { address: '192.0.2.1', port: 5060 },
  bytes: Buffer.from('BYE').toString('base64'),
  match: { begins: ['SIP/2.0 2'], contains: ['z9hG4bKx'] },
};
const ID = 'a-session-id-of-20-c';

const ANSWER = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 8',
  '',
].join('\r\n');

/** Wills as they go out, answered when the test says so. */
function post() {
  const sent: LastWill[] = [];
  const answers: ((result: WillResult) => void)[] = [];
  return {
    sent,
    answer: (result: WillResult) => answers.shift()?.(result),
    send: (one: LastWill) => {
      sent.push(one);
      return new Promise<WillResult>((resolve) => answers.push(resolve));
    },
  };
}

function memoryStore(): SettingsStore & { content: unknown } {
  return {
    content: undefined,
    read() {
      return Promise.resolve(this.content);
    },
    write(data) {
      this.content = structuredClone(data);
      return Promise.resolve();
    },
  };
}

type TestEngine = Awaited<ReturnType<typeof startTestEngine>>;

/** A call of alice with a will; `leave` is the end of her channel. */
async function callOf({ guest, engine }: TestEngine, instance = 'alice') {
  const alice = guest(instance);
  await alice.call('session.open', {
    id: ID,
    revision: 1,
    options: { label: 'sip:bob@example.com' },
    step: { type: 'offer', direction: 'sendrecv', origin },
  });
  await alice.call('session.update', {
    id: ID,
    revision: 2,
    step: { type: 'accept', answer: ANSWER },
  });
  await alice.call('will.set', { session: ID, ...will });
  return { alice, leave: () => engine.detach(alice.view) };
}

const config = { policy: { lease: 60 } };

describe('when the lease ends', () => {
  it('the audio stops, the person hears and reads it, and the will goes out', async () => {
    const { sent, send, answer } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { leave } = await callOf(test);
    await leave();
    await test.clock.advance(59_000);
    expect(test.plane.worker.legs.size).toBe(1);
    expect(sent).toEqual([]);

    await test.clock.advance(1000);
    await expect.poll(() => sent).toEqual([will]);
    expect(test.plane.worker.legs.size).toBe(0);
    expect([...test.plane.worker.tones.keys()]).toEqual(['engine/lost']);
    await test.clock.advance(3000);
    await expect.poll(() => test.plane.worker.tones.size).toBe(0);
    expect(test.engine.wills.ended).toMatchObject([
      { ended: { id: ID, label: 'sip:bob@example.com', will: { outcome: 'sending' } } },
    ]);
    answer({ outcome: 'answered', attempts: 1, answer: 'SIP/2.0 200 OK' });
  });

  it('the guest that returns learns it, and what became of its will', async () => {
    const { send, sent, answer } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { leave } = await callOf(test);
    await leave();
    await test.clock.advance(60_000);
    await expect.poll(() => sent).toHaveLength(1);

    const back = test.guest('alice');
    const sending = { id: ID, will: { outcome: 'sending', attempts: 0 } };
    expect(await back.call('snapshot', {})).toMatchObject({ sessions: [], ended: [sending] });
    answer({ outcome: 'answered', attempts: 2, answer: 'SIP/2.0 481 Gone' });
    const told = { id: ID, will: { outcome: 'answered', answer: 'SIP/2.0 481 Gone' } };
    await expect.poll(() => back.of('session.ended')).toMatchObject([told]);
    expect(await back.call('snapshot', {})).toMatchObject({ ended: [told] });

    await back.call('session.close', { id: ID });
    expect(await back.call('snapshot', {})).toMatchObject({ ended: [] });
    expect(await test.guest('bob').call('snapshot', {})).toMatchObject({ ended: [] });
  });

  it('nothing is sent for a guest that came back in time, or closed its call', async () => {
    const { send, sent } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { leave } = await callOf(test);
    await leave();
    await test.clock.advance(50_000);
    const back = test.guest('alice');
    expect(await back.call('snapshot', {})).toMatchObject({ awayMs: 50_000, ended: [] });
    await test.clock.advance(120_000);
    await back.call('session.close', { id: ID });
    await test.engine.detach(back.view);
    await test.clock.advance(120_000);
    expect(sent).toEqual([]);
    expect(test.engine.guests.all).toEqual([]);
  });

  it('no will is sent that was taken back, and the end is told all the same', async () => {
    const { send, sent } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { alice, leave } = await callOf(test);
    await alice.call('will.remove', { session: ID });
    await leave();
    await test.clock.advance(60_000);
    const back = test.guest('alice');
    await expect
      .poll(async () => (await back.call('snapshot', {})).ended)
      .toEqual([{ id: ID, label: 'sip:bob@example.com', endedAt: expect.any(Number) }]);
    expect(sent).toEqual([]);
  });

  it('a will that fails is told with its reason', async () => {
    const test = await startTestEngine({
      config,
      sendWill: () => Promise.reject(new Error('no route')),
    });
    const { leave } = await callOf(test);
    await leave();
    await test.clock.advance(60_000);
    const failed = { outcome: 'failed', attempts: 0, message: 'no route' };
    await expect.poll(() => test.engine.wills.ended[0]?.ended.will).toEqual(failed);
  });

  it('a hundred wills do not go out at once', async () => {
    const { send, sent } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const alice = test.guest('alice');
    for (let at = 0; at < 100; at++) {
      const id = `call-${at}`;
      const step = { type: 'offer', direction: 'sendrecv', origin } as const;
      await alice.call('session.open', { id, revision: 1, step });
      await alice.call('will.set', { session: id, ...will });
    }
    await test.engine.detach(alice.view);
    await test.clock.advance(60_000);
    await expect.poll(() => test.engine.sessions.table.all.length).toBe(0);
    await test.clock.advance(999);
    await expect.poll(() => sent.length).toBe(50);
    await test.clock.advance(1000);
    await expect.poll(() => sent.length).toBe(100);
  });
});

describe('the person at the thin client, while the guest is away,', () => {
  it('hangs up: audio ends at once, and the far end is told by the will', async () => {
    const { send, sent, answer } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { leave } = await callOf(test);
    await leave();
    const [session] = test.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await test.engine.sessions.hangUp(session);
    await expect.poll(() => sent).toEqual([will]);
    expect(test.plane.worker.legs.size).toBe(0);
    answer({ outcome: 'answered', attempts: 1, answer: 'SIP/2.0 200 OK' });
    await expect
      .poll(() => test.engine.wills.ended[0]?.ended.will)
      .toMatchObject({ outcome: 'answered' });

    const back = test.guest('alice');
    const snapshot = await back.call('snapshot', {});
    expect(snapshot.sessions).toMatchObject([{ id: ID, state: 'closed' }]);
    expect(snapshot.ended).toMatchObject([{ id: ID, will: { outcome: 'answered' } }]);
    await back.call('session.close', { id: ID });
    await test.engine.detach(back.view);
    await test.clock.advance(60_000);
    expect(sent).toHaveLength(1);
  });

  it('mutes: the microphone stays shut whatever the guest asks for when it is back', async () => {
    const test = await startTestEngine({ config });
    const { leave } = await callOf(test);
    await leave();
    const [session] = test.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await test.engine.sessions.mute(session, { locallyMuted: true });
    const back = test.guest('alice');
    await back.call('session.mute', { id: ID, muted: false });
    expect(await back.call('session.get', { id: ID })).toMatchObject({ locallyMuted: true });
    expect([...test.plane.worker.legs.values()]).toMatchObject([{ muted: true }]);
  });

  it('hangs up with the guest here: the guest ends the call, not the will', async () => {
    const { send, sent } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { alice } = await callOf(test);
    const [session] = test.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await test.engine.sessions.hangUp(session);
    expect(alice.of('session.hangup')).toEqual([{ id: ID }]);
    expect(sent).toEqual([]);
  });
});

describe('an engine that is started again', () => {
  it('goes on with the lease where it was, and sends the will at its end', async () => {
    const { send, sent } = post();
    const [state, worker, clock] = [memoryStore(), new MemoryWorker(), new ManualClock()];
    const first = await startTestEngine({ config, worker, clock, state, sendWill: send });
    await callOf(first);
    await first.engine.close({ keepCalls: true });
    await clock.advance(20_000);

    const second = await startTestEngine({ config, worker, clock, state, sendWill: send });
    expect(second.engine.guests.all).toMatchObject([{ leaseEndsAt: clock.wall() + 40_000 }]);
    await clock.advance(39_000);
    expect(sent).toEqual([]);
    await clock.advance(1000);
    await expect.poll(() => sent).toEqual([will]);
    expect(worker.legs.size).toBe(0);
  });

  it('sends the will of a call that went down with its worker', async () => {
    const { send, sent } = post();
    const [state, clock] = [memoryStore(), new ManualClock()];
    const first = await startTestEngine({ config, clock, state, sendWill: send });
    await callOf(first);
    // Killed: nothing is closed.
    const second = await startTestEngine({ config, clock, state, sendWill: send });
    expect(second.engine.sessions.table.all).toEqual([]);
    await clock.advance(60_000);
    await expect.poll(() => sent).toEqual([will]);
    expect(second.engine.wills.ended).toMatchObject([{ ended: { id: ID } }]);
  });

  it('has a guest that comes back build its call anew, with its old will until there is one', async () => {
    const { send, sent } = post();
    const [state, clock] = [memoryStore(), new ManualClock()];
    await callOf(await startTestEngine({ config, clock, state, sendWill: send }));
    const second = await startTestEngine({ config, clock, state, sendWill: send });
    const { alice, leave } = await callOf(second);
    await clock.advance(120_000);
    expect(sent).toEqual([]);
    await alice.call('session.close', { id: ID });
    await leave();
    await clock.advance(120_000);
    expect(sent).toEqual([]);
  });

  it('tells of ends that an earlier one has seen', async () => {
    const { send, answer, sent } = post();
    const [state, clock] = [memoryStore(), new ManualClock()];
    const first = await startTestEngine({ config, clock, state, sendWill: send });
    const { leave } = await callOf(first);
    await leave();
    await clock.advance(60_000);
    await expect.poll(() => sent.length).toBe(1);
    await first.engine.close({ keepCalls: false });
    answer({ outcome: 'unanswered', attempts: 1 });
    const second = await startTestEngine({ config, clock, state, sendWill: send });
    const ended = [{ id: ID, will: { outcome: 'unanswered' } }];
    expect(await second.guest('alice').call('snapshot', {})).toMatchObject({ ended });
  });

  it.each([
    ['text', 'garbage'],
    ['another version', { version: 99, wills: 3 }],
    ['nothing', undefined],
  ])('starts with %s in its file', async (_what, content) => {
    const state = { ...memoryStore(), content };
    const test = await startTestEngine({ config, state });
    expect(test.engine.wills.ended).toEqual([]);
    await callOf(test);
  });
});

describe('where a will may go', () => {
  const policy = (input: object = {}) => new WillPolicy(defineEngineConfig(input));
  const far = { instance: 'alice', local: false };
  const to = (address: string, port = 5060) => ({ ...will, destination: { address, port } });
  const refused = (code: string) => expect.objectContaining({ code });

  it('is anywhere but here by default', () => {
    expect(() => policy().check(to('192.0.2.1'), far)).not.toThrow();
    for (const address of ['127.0.0.1', '::1', '224.0.0.1', '0.0.0.0', '::', 'pbx.example.com']) {
      expect(() => policy().check(to(address), far)).toThrow(refused('address-refused'));
    }
    expect(() => policy().check(to('127.0.0.1'), { ...far, local: true })).not.toThrow();
  });

  it('is within its own networks, else those of media', () => {
    const media = { rtp: { allow: ['198.51.100.0/24'] } };
    expect(() => policy(media).check(to('198.51.100.9'), far)).not.toThrow();
    expect(() => policy(media).check(to('192.0.2.1'), far)).toThrow(refused('address-refused'));
    const own = { ...media, will: { allow: ['192.0.2.0/24'] } };
    expect(() => policy(own).check(to('192.0.2.1'), far)).not.toThrow();
    expect(() => policy(own).check(to('198.51.100.9'), far)).toThrow(refused('address-refused'));
  });

  it('is to no privileged port, and within the range that is configured', () => {
    for (const port of [25, 80, 443, 1023]) {
      expect(() => policy().check(to('192.0.2.1', port), far)).toThrow(refused('address-refused'));
    }
    const sip = policy({ will: { ports: '5060-5061' } });
    expect(() => sip.check(to('192.0.2.1', 8080), far)).toThrow(refused('address-refused'));
  });

  it('is nowhere when wills are turned off', () => {
    const off = policy({ will: { enabled: false } });
    expect(() => off.check(will, far)).toThrow(refused('not-allowed'));
  });

  it('is asked again when it is sent: the file is not trusted more than the guest', async () => {
    const { send, sent } = post();
    const [state, clock] = [memoryStore(), new ManualClock()];
    await callOf(await startTestEngine({ config, clock, state, sendWill: send }));
    const strict = { ...config, will: { enabled: false } };
    const second = await startTestEngine({ config: strict, clock, state, sendWill: send });
    await clock.advance(60_000);
    await expect
      .poll(() => second.engine.wills.ended[0]?.ended.will)
      .toMatchObject({ outcome: 'failed', message: expect.stringContaining('will.enabled') });
    expect(sent).toEqual([]);
  });
});

describe('a session that another instance of the guest claims', () => {
  it('is its own then, with its will; the other is told', async () => {
    const { send, sent } = post();
    const test = await startTestEngine({ config, sendWill: send });
    const { alice, leave } = await callOf(test);
    const other = test.guest('alice-again');
    expect(await other.call('session.claim', { id: ID })).toMatchObject({ id: ID, revision: 2 });
    expect(alice.of('session.released')).toEqual([{ id: ID }]);
    expect(await alice.call('snapshot', {})).toMatchObject({ sessions: [] });
    expect(await other.call('snapshot', {})).toMatchObject({ sessions: [{ id: ID }] });
    await leave();
    await test.clock.advance(120_000);
    expect(sent).toEqual([]);
    await test.engine.detach(other.view);
    await test.clock.advance(60_000);
    await expect.poll(() => sent).toEqual([will]);
  });

  it('goes to exactly one of two that claim it at once, and both know', async () => {
    const test = await startTestEngine({ config });
    await callOf(test);
    const [one, two] = [test.guest('one'), test.guest('two')];
    await Promise.all([
      one.call('session.claim', { id: ID }),
      two.call('session.claim', { id: ID }),
    ]);
    const have = await Promise.all(
      [one, two].map(async (guest) => (await guest.call('snapshot', {})).sessions.length),
    );
    expect(have.filter((count) => count === 1)).toHaveLength(1);
    expect(have.filter((count) => count === 0)).toHaveLength(1);
    const loser = have[0] === 0 ? one : two;
    expect(loser.of('session.released')).toEqual([{ id: ID }]);
  });

  it('is not to be had with an id that could be guessed', async () => {
    const test = await startTestEngine({ config });
    const step = { type: 'offer', direction: 'sendrecv', origin } as const;
    await test.guest('alice').call('session.open', { id: 'short', revision: 1, step });
    const claim = test.guest('mallory').call('session.claim', { id: 'short' });
    await expect(claim).rejects.toMatchObject(mediaError('unknown-session', 'No session short'));
  });
});

describe('a call whose peer falls silent while the guest is away', () => {
  it('is not spoken into any more, until the peer or the guest is back', async () => {
    const test = await startTestEngine({ config: { policy: { lease: 300 } } });
    const { plane, clock } = test;
    const { leave } = await callOf(test);
    const [leg] = plane.worker.legs.keys();
    const hear = () => {
      const rx = { packets: 1, bytes: 1, lost: 0, jitterMs: 0, rejected: 0 };
      plane.legStats.set(leg ?? '', { rx: { ...rx, lastPacketAt: clock.wall() } });
    };
    const direction = () => [...plane.worker.legs.values()].map((one) => one.direction);
    /** As the engine looks: once a second. */
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) await clock.advance(1000);
    };
    hear();
    await pass(8);
    // With its guest here, silence is the guest's business.
    expect(direction()).toEqual(['sendrecv']);
    await leave();
    await pass(2);
    await expect.poll(direction).toEqual(['recvonly']);
    hear();
    await pass(2);
    await expect.poll(direction).toEqual(['sendrecv']);
    await pass(8);
    await expect.poll(direction).toEqual(['recvonly']);
    test.guest('alice');
    await pass(2);
    await expect.poll(direction).toEqual(['sendrecv']);
  });
});
