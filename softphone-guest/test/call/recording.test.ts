import { exitCode } from '@offhook/common/cli';
import { OffhookError } from '@offhook/common';
import { mediaError, type SessionRecording } from '@offhook/media-rpc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runningRecording, withoutRecorder, withRecording } from '../../src/call/recordings.ts';
import { formatEntry, parseEntry } from '../../src/journal/history-entry.ts';
import { FakeDaemon } from '../support/fake-daemon.ts';
import { fakePhone, guestConfig, type FakePhone } from '../support/fake-phone.ts';
import { runOffhook } from '../support/run-offhook.ts';

async function talking(fake: FakePhone) {
  const [line] = fake.phone.lines;
  if (line === undefined) throw new Error('no line');
  const session = fake.phone.manager.dial(line, 'bob');
  await fake.clock.advance(0);
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  await sip.establish();
  await fake.clock.advance(0);
  return { session, sip };
}

const states = (fake: FakePhone) =>
  fake.engine?.log.filter((line) => line.startsWith('session.record'));

describe('the recording of a call', () => {
  it('begins, pauses, goes on and ends, and is in the history', async () => {
    const fake = await fakePhone();
    const { session } = await talking(fake);
    const running = () => runningRecording(session.call.recordings)?.state;
    await session.recordAudio('start');
    expect(running()).toBe('recording');
    await session.recordAudio('pause');
    expect(running()).toBe('paused');
    await expect(session.recordAudio('start')).rejects.toMatchObject({ code: 'wrong-state' });
    await session.recordAudio('resume');
    await session.recordAudio('stop');
    expect(running()).toBeUndefined();
    for (const action of ['pause', 'resume', 'stop'] as const)
      await expect(session.recordAudio(action)).rejects.toThrow('it is not recorded');
    await session.recordAudio('start');
    await session.hangup();
    await session.finished;
    const entry = fake.phone.manager.history.list()[0];
    expect(entry?.call.recordings.map(({ file }) => file)).toEqual(['call-1.wav', 'call-2.wav']);
    const again = entry && parseEntry(formatEntry(entry));
    expect(again?.call.recordings).toEqual(entry?.call.recordings);
  });

  it('is what the thin client says, which may end it', async () => {
    const fake = await fakePhone();
    const { session } = await talking(fake);
    await session.recordAudio('start');
    const [state] = fake.engine?.sessions.values() ?? [];
    if (state?.recording === undefined) throw new Error('no recording');
    const recording: SessionRecording = {
      ...state.recording,
      state: 'stopped',
      reason: 'disk-full',
      seconds: 7,
    };
    fake.engine?.emit('session.changed', { ...state, recording });
    expect(session.call.recordings).toEqual([recording]);
  });

  it('is refused in the words of the thin client, and by one that is too old', async () => {
    const fake = await fakePhone();
    const { session } = await talking(fake);
    fake.engine?.failures.set('session.record', mediaError('not-allowed'));
    await expect(session.recordAudio('start')).rejects.toMatchObject({ code: 'not-allowed' });
    const old = new OffhookError('rpc', 'unknown-method', 'the engine has no method');
    fake.engine?.failures.set('session.record', old);
    await expect(session.recordAudio('start')).rejects.toMatchObject({
      code: 'not-supported',
      remedy: 'update Offhook there',
    });
    expect(session.call.recordings).toEqual([]);
  });

  it('begins by itself where the account is to be recorded, and costs no call', async () => {
    const fake = await fakePhone(guestConfig('record = true'));
    const { session } = await talking(fake);
    expect(states(fake)).toHaveLength(1);
    expect(runningRecording(session.call.recordings)?.state).toBe('recording');
    await session.hold(true);
    await session.hold(false);
    expect(states(fake)).toHaveLength(1);
    fake.engine?.failures.set('session.record', mediaError('not-allowed'));
    const other = await talking(fake);
    expect(other.session.call).toMatchObject({ phase: 'established', recordings: [] });
  });

  it('is over when the engine that recorded is', () => {
    const one = { state: 'recording', file: 'a.wav', startedAt: 1 } as const;
    expect(withoutRecorder([one])).toEqual([{ ...one, state: 'stopped', reason: 'worker-lost' }]);
    expect(withoutRecorder([])).toEqual([]);
    const list = [one];
    expect(withRecording(list, { ...one })).toBe(list);
    expect(withRecording(list, undefined)).toBe(list);
    expect(withRecording(list, { ...one, file: 'b.wav' })).toHaveLength(2);
  });
});

describe('offhook record', () => {
  let daemon: FakeDaemon;

  beforeEach(async () => {
    daemon = new FakeDaemon(guestConfig());
    await daemon.start();
  });

  afterEach(() => daemon.remove());

  const run = (line: string) => runOffhook(daemon.dir, line);

  it('is refused without a call, and for what it does not know', async () => {
    expect(await run('record start')).toMatchObject({
      code: exitCode.noSuch,
      err: expect.stringContaining('no call to start recording'),
    });
    expect((await run('record begin')).code).toBe(exitCode.usage);
  });

  it('marks the call, in calls, in JSON and in the history', async () => {
    await run('dial bob');
    await daemon.account.placed.at(-1)?.establish();
    expect((await run('record start')).out).toContain('● REC');
    expect((await run('record pause')).out).toContain('● REC paused');
    expect((await run('calls')).out).toContain('● REC paused');
    expect(JSON.parse((await run('calls --json')).out)).toMatchObject({
      calls: [{ recording: 'paused' }],
    });
    expect((await run('record resume')).out).toMatch(/● REC\W/u);
    expect((await run('record stop')).out).not.toContain('REC');
    await run('hangup');
    await expect.poll(async () => (await run('history')).out).toContain('call-1.wav');
    expect(JSON.parse((await run('history --json')).out)).toMatchObject({
      calls: [{ recordings: [{ file: 'call-1.wav', seconds: 2, end: 'guest' }] }],
    });
  });
});
