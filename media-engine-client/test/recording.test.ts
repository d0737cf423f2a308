import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecordingState } from '@offhook/media-rpc';
import type { EngineConfigInput } from '../src/config.ts';
import { endOf, recordingName, stepTo } from '../src/session/recording.ts';
import { recordingFiles } from '../src/session/recording-files.ts';
import { peerSdp } from './sdp/support.ts';
import { origin, startTestEngine, type TestGuest } from './support/engine.ts';
import { MemoryWorker } from './support/memory-plane.ts';

const answer = { type: 'answer', offer: peerSdp(), direction: 'sendrecv', origin } as const;

async function directory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'offhook-recordings-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** An engine whose policy allows recording, with a call. */
async function recordable(
  path: string,
  recording: EngineConfigInput['recording'] = {},
  options: { worker?: MemoryWorker } = {},
) {
  const config = {
    recording: { allowed: true, min_free_mb: 0, directory: join(path, 'kept'), ...recording },
  };
  const test = await startTestEngine({ config, ...options });
  const guest = test.guest();
  await guest.call('session.open', {
    id: 'call-1',
    revision: 1,
    step: answer,
    options: { label: '+49 30 1234' },
  });
  return { ...test, guest };
}

const record = (guest: TestGuest, state: RecordingState, direction?: 'in' | 'out') =>
  guest.call('session.record', { id: 'call-1', state, ...(direction && { direction }) });
const last = (guest: TestGuest) => guest.of('session.changed').at(-1)?.recording;

describe('the recording of a session', () => {
  it('is refused where the policy does not allow it, which names the setting', async () => {
    await using place = await directory();
    const { guest, plane } = await recordable(place.path, { allowed: false });
    await expect(record(guest, 'recording')).rejects.toMatchObject({
      code: 'not-allowed',
      remedy: expect.stringContaining('[recording] allowed'),
    });
    expect(plane.calls.filter((call) => call.includes('Recording'))).toEqual([]);
    expect(await readdir(place.path)).toEqual([]);
  });

  it('has a file of its own that only this user can read, named by date, direction and party', async () => {
    await using place = await directory();
    const { guest, plane } = await recordable(place.path);
    const { recording } = await record(guest, 'recording', 'in');
    expect(recording?.file).toMatch(/^\d{4}(-\d\d){2}_\d\d(-\d\d){2}_in_\+49_30_1234\.wav$/);
    const path = join(place.path, 'kept', recording?.file ?? '');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(place.path, 'kept'))).mode & 0o777).toBe(0o700);
    expect(plane.worker.recordings.get('s1')).toMatchObject({ file: path, channels: 'stereo' });
    await record(guest, 'stopped');
    const next = await record(guest, 'recording', 'in');
    expect(next.recording?.file).toMatch(/-2\.wav$/);
  });

  it('tells the guest of each step, and its length at the end', async () => {
    await using place = await directory();
    const { guest, clock, plane } = await recordable(place.path, { format: 'ogg' });
    await record(guest, 'recording');
    await clock.advance(2000);
    await record(guest, 'paused');
    expect(plane.worker.recordings.get('s1')?.paused).toBe(true);
    expect(last(guest)).toMatchObject({ state: 'paused' });
    await clock.advance(3000);
    await record(guest, 'recording');
    expect(plane.worker.recordings.get('s1')?.paused).toBe(false);
    await record(guest, 'stopped');
    expect(last(guest)).toMatchObject({ state: 'stopped', reason: 'guest', seconds: 5 });
    expect(plane.worker.recordings.size).toBe(0);
  });

  it('ends with the call, whoever ends it', async () => {
    await using place = await directory();
    const { guest, engine, plane } = await recordable(place.path);
    await record(guest, 'recording');
    const [session] = engine.sessions.table.all;
    if (session !== undefined) await engine.sessions.hangUp(session);
    await expect.poll(() => plane.worker.recordings.size).toBe(0);
    expect(last(guest)).toMatchObject({ state: 'stopped', reason: 'call-ended' });
  });

  it('that the person here has ended is not begun again by a guest', async () => {
    await using place = await directory();
    const { guest, engine } = await recordable(place.path);
    await record(guest, 'recording');
    const [session] = engine.sessions.table.all;
    if (session !== undefined) await engine.sessions.stopRecording(session);
    expect(last(guest)).toMatchObject({ state: 'stopped', reason: 'person' });
    await expect(record(guest, 'recording')).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('ends at the length that is allowed, and before the disk is full', async () => {
    await using place = await directory();
    const { guest, clock } = await recordable(place.path, { max_minutes: 1 });
    await record(guest, 'recording');
    for (let at = 0; at < 14; at++) await clock.advance(5000).then(tick);
    await expect.poll(() => last(guest)?.reason).toBe('time-limit');

    const full = await recordable(place.path, { min_free_mb: 1_000_000 });
    await expect(record(full.guest, 'recording')).rejects.toMatchObject({
      code: 'recording-failed',
      remedy: expect.stringContaining('min_free_mb'),
    });
  });

  it('is refused where its directory cannot be made, which names the setting', async () => {
    await using place = await directory();
    await writeFile(join(place.path, 'kept'), 'a file');
    const { guest } = await recordable(place.path);
    await expect(record(guest, 'recording')).rejects.toMatchObject({
      code: 'recording-failed',
      remedy: expect.stringContaining('[recording] directory'),
    });
    expect((await guest.call('session.get', { id: 'call-1' })).recording).toBeUndefined();
  });

  it('that the worker cannot begin leaves no file', async () => {
    await using place = await directory();
    const { guest, plane } = await recordable(place.path);
    plane.failures.set('startRecording', new Error('no such element'));
    await expect(record(guest, 'recording')).rejects.toMatchObject({ code: 'recording-failed' });
    expect(await readdir(join(place.path, 'kept'))).toEqual([]);
  });

  it('ends when the worker says so, with the reason', async () => {
    await using place = await directory();
    const { guest, plane } = await recordable(place.path);
    await record(guest, 'recording');
    const message = 'No space left on the resource.';
    plane.emit('recordingEnded', { leg: 's1', reason: 'failed', message });
    expect(last(guest)).toMatchObject({ state: 'stopped', reason: 'disk-full' });
    await record(guest, 'recording');
    plane.emit('recordingEnded', { leg: 's1', reason: 'worker-lost', message: '' });
    expect(last(guest)).toMatchObject({ state: 'stopped', reason: 'worker-lost' });
  });

  it('goes on with the next engine, and is over where the worker has none', async () => {
    await using place = await directory();
    const worker = new MemoryWorker();
    const first = await recordable(place.path, {}, { worker });
    await record(first.guest, 'recording');
    const { file } = last(first.guest) ?? {};
    await first.engine.close({ keepCalls: true });

    const second = await startTestEngine({ worker });
    const { sessions } = await second.guest().call('snapshot', {});
    expect(sessions[0]?.recording).toMatchObject({ state: 'recording', file });
    expect(worker.recordings.size).toBe(1);
    await second.engine.close({ keepCalls: true });

    worker.recordings.clear();
    const third = await startTestEngine({ worker });
    const found = await third.guest().call('snapshot', {});
    expect(found.sessions[0]?.recording).toMatchObject({ state: 'stopped', reason: 'worker-lost' });
  });
});

describe('what a wish leads to', () => {
  const at = (state: RecordingState) => ({ state, file: 'a.wav', startedAt: 0 });

  it('is one step, and nothing when it is repeated', () => {
    const steps = (['recording', 'paused', 'stopped'] as const).flatMap((is) =>
      (['recording', 'paused', 'stopped'] as const)
        .filter((wanted) => !(is === 'stopped' && wanted === 'paused'))
        .map((wanted) => `${is} ${wanted} ${stepTo(at(is), wanted)}`),
    );
    expect(steps).toEqual([
      'recording recording nothing',
      'recording paused pause',
      'recording stopped stop',
      'paused recording resume',
      'paused paused nothing',
      'paused stopped stop',
      'stopped recording start',
      'stopped stopped nothing',
    ]);
    expect(stepTo(undefined, 'recording')).toBe('start');
    expect(() => stepTo(undefined, 'paused')).toThrow('not recorded');
  });

  it('tells a full disk from other failures', () => {
    expect(endOf('/tmp/a: No space left on device')).toBe('disk-full');
    expect(endOf('Disk quota exceeded')).toBe('disk-full');
    expect(endOf('Input/output error')).toBe('failed');
  });
});

describe('the name of a recording', () => {
  const name = (party: string) =>
    recordingName({ at: new Date(2026, 11, 1, 9, 5, 7), direction: 'out', party });

  it('has nothing of the other party that a path could be made of', () => {
    expect(name('sip:bob@example.com')).toBe('2026-12-01_09-05-07_out_bob@example.com');
    expect(name('../../etc/passwd\0')).toBe('2026-12-01_09-05-07_out_etc_passwd');
    expect(name('Jörg "X" <+49>')).toBe('2026-12-01_09-05-07_out_Jörg_X_+49');
    expect(name('‮\n/')).toBe('2026-12-01_09-05-07_out_unknown');
    expect(name('漢'.repeat(300))).toHaveLength('2026-12-01_09-05-07_out_'.length + 40);
  });
});

describe('the place of recordings', () => {
  it('never gives the same file twice', async () => {
    await using place = await directory();
    const files = recordingFiles(place.path);
    const names = await Promise.all([1, 2, 3].map(() => files.create('a', 'wav')));
    expect(names.map(({ file }) => file).toSorted()).toEqual(['a-2.wav', 'a-3.wav', 'a.wav']);
  });
});

/** Files are looked at between two moments of the clock. */
function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
