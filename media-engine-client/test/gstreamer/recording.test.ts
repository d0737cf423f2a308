import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findTone, goertzel, readWav, type Audio, type ToneReport } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';
import type { LegConfig, RecordingConfig } from '../../src/media-plane.ts';
import {
  codec,
  killWorker,
  legConfig,
  nextEvent,
  openPlane,
  openSockets,
  planeAt,
  type TestPlane,
} from './test-plane.ts';

const run = promisify(execFile);
const OURS = 440;
const THEIRS = 700;
const DEADLINE_MS = 10_000;

interface Call {
  readonly ours: LegConfig;
  readonly theirs: LegConfig;
}

/** A call in which each end plays a tone of its own. */
async function call(test: TestPlane, changes: Partial<LegConfig> = {}): Promise<Call> {
  const { plane } = test;
  const [a, b] = [await openSockets(plane), await openSockets(plane)];
  const ours = legConfig('ours', a, b, { input: `tone:${OURS}`, ...changes });
  const theirs = legConfig('theirs', b, a, { input: `tone:${THEIRS}`, ...changes });
  await plane.setLeg(ours);
  await plane.setLeg(theirs);
  return { ours, theirs };
}

async function start(
  test: TestPlane,
  changes: Partial<RecordingConfig> = {},
): Promise<RecordingConfig> {
  const format = changes.format ?? 'wav';
  const file = `${test.directory}/call.${format}`;
  await writeFile(file, '');
  const config = { leg: 'ours', file, format, channels: 'stereo', ...changes } as const;
  await test.plane.startRecording(config);
  return config;
}

interface Heard {
  readonly left: Audio;
  readonly right: Audio;
}

async function listen(file: string): Promise<Heard> {
  const bytes = await readFile(file);
  return { left: readWav(bytes, 0), right: readWav(bytes, 1) };
}

/** Until a figure is above the floor; what is not there yet is 0. */
async function exceeds(figure: () => Promise<number>, floor: number): Promise<void> {
  const give = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await figure().catch(() => 0);
    if (found > floor) return;
    if (performance.now() > give) throw new Error(`${found} is not above ${floor}`);
    await setTimeout(50);
  }
}

const sizeOf = async (file: string): Promise<number> => (await stat(file)).size;

/** Until so much of the peer's tone is in the file. */
function recorded(file: string, ms: number): Promise<void> {
  return exceeds(async () => findTone((await listen(file)).right, THEIRS).presentMs, ms);
}

/** The middle of the recording, without the first and last moments, in which things begin and end. */
function middle(audio: Audio, fromMs = 500, lessMs = 200): Audio {
  const at = (ms: number) => Math.round((ms * audio.sampleRate) / 1000);
  return { ...audio, samples: audio.samples.subarray(at(fromMs), -at(lessMs)) };
}

function whole({ presentMs, totalMs }: ToneReport): boolean {
  return totalMs > 300 && presentMs > totalMs - 60;
}

/** Both sides as they should be: each tone on its own side without a gap, and not on the other. */
function expectBothSides({ left, right }: Heard): void {
  expect(whole(findTone(middle(left), OURS))).toBe(true);
  expect(whole(findTone(middle(right), THEIRS))).toBe(true);
  expect(findTone(left, THEIRS).presentMs).toBe(0);
  expect(findTone(right, OURS).presentMs).toBe(0);
}

async function decode(ogg: string): Promise<Heard> {
  const file = `${ogg}.wav`;
  const pipeline = `filesrc location=${ogg} ! oggdemux ! opusdec ! audio/x-raw,format=S16LE ! wavenc ! filesink location=${file}`;
  await run('gst-launch-1.0', ['-q', ...pipeline.split(' ')]);
  return listen(file);
}

// Each has a worker of its own, and mostly waits for the time to pass.
describe.concurrent('the recording of a call', () => {
  it('has our voice on the left and the other on the right, until the moment it is stopped', async () => {
    await using test = await openPlane();
    await call(test);
    const { file } = await start(test);
    await recorded(file, 1200);
    const before = (await listen(file)).right.samples.length;
    await test.plane.stopRecording('ours');
    const heard = await listen(file);
    expectBothSides(heard);
    // What was not in the file yet, because it comes some time later, is written at the end.
    expect(heard.right.samples.length - before).toBeGreaterThan(0.3 * 16_000);
    await test.plane.stopRecording('ours');
  });

  it('is mixed where that is asked for', async () => {
    await using test = await openPlane();
    await call(test, { codec: codec('opus') });
    const { file } = await start(test, { channels: 'mixed' });
    await exceeds(() => sizeOf(file), 40_000);
    await test.plane.stopRecording('ours');
    const bytes = await readFile(file);
    expect(bytes.readUInt16LE(22)).toBe(1);
    const { sampleRate, samples } = middle(readWav(bytes));
    for (const hz of [OURS, THEIRS]) expect(goertzel(samples, hz, sampleRate)).toBeGreaterThan(-15);
  });

  it('is an Ogg/Opus file that decodes, with the sides apart', async () => {
    await using test = await openPlane();
    await call(test, { codec: codec('G722') });
    const { file } = await start(test, { format: 'ogg' });
    await exceeds(() => sizeOf(file), 15_000);
    await test.plane.stopRecording('ours');
    const bytes = await readFile(file);
    expect(bytes.toString('latin1', 0, 4)).toBe('OggS');
    expect(bytes.indexOf('OpusHead')).toBeGreaterThan(0);
    expectBothSides(await decode(file));
  });

  it('has nothing of either party in it while it is paused, at the length of the call', async () => {
    await using test = await openPlane();
    const { ours } = await call(test);
    const { file } = await start(test);
    await recorded(file, 500);
    await test.plane.pauseRecording('ours', true);
    // Card data: other tones, so that a single one of them in the file would be found.
    await test.plane.setLeg({ ...ours, input: 'tone:1700' });
    await exceeds(() => sizeOf(file), (await sizeOf(file)) + 64_000);
    await test.plane.setLeg(ours);
    await test.plane.pauseRecording('ours', false);
    const resumed = findTone((await listen(file)).right, THEIRS).presentMs;
    await recorded(file, resumed + 700);
    await test.plane.stopRecording('ours');
    const { left, right } = await listen(file);
    expect(findTone(left, 1700).presentMs).toBe(0);
    for (const [audio, hz] of [
      [left, OURS],
      [right, THEIRS],
    ] as const) {
      const gaps = findTone(middle(audio, 300), hz).gapsMs;
      expect(Math.max(...gaps)).toBeGreaterThan(1000);
      expect(quietest(audio)).toBe(0);
    }
  });

  it('goes on through mute, hold, another codec and a conference', async () => {
    await using test = await openPlane();
    const { ours, theirs } = await call(test);
    const { file } = await start(test);
    await recorded(file, 500);
    for (const name of ['opus', 'G722'] as const) {
      const before = findTone((await listen(file)).right, THEIRS).presentMs;
      await test.plane.setLeg({ ...theirs, codec: codec(name) });
      await test.plane.setLeg({ ...ours, codec: codec(name), muted: true });
      await recorded(file, before + 700);
    }
    const third = await openSockets(test.plane);
    const fourth = await openSockets(test.plane);
    await test.plane.setLeg(legConfig('carol', fourth, third, { input: 'tone:1100' }));
    await test.plane.setLeg(legConfig('third', third, fourth, { hears: ['ours'] }));
    await test.plane.setLeg({ ...ours, codec: codec('G722'), muted: true, hears: ['third'] });
    await exceeds(async () => {
      const { right } = await listen(file);
      const last = right.samples.subarray(-4000);
      return Math.min(...[THEIRS, 1100].map((hz) => goertzel(last, hz, right.sampleRate) + 20));
    }, 0);
    await test.plane.stopRecording('ours');
    const { left, right } = await listen(file);
    // Muted in the middle, and heard before: silence at last, and of the same length as the other side.
    expect(left.samples.length).toBe(right.samples.length);
    expect(Math.max(...left.samples.subarray(-8000).map(Math.abs))).toBe(0);
    expect(findTone(left, OURS).presentMs).toBeGreaterThan(300);
  });

  it('says that it has ended when the worker dies, and can be played', async () => {
    await using test = await openPlane();
    await call(test);
    const { file } = await start(test);
    await recorded(file, 1000);
    const ended = nextEvent(test.plane, 'recordingEnded');
    await killWorker(test);
    expect(await ended).toMatchObject({ leg: 'ours', reason: 'worker-lost' });
    expectBothSides(await listen(file));
    await test.plane.stopRecording('ours');
  });

  it('leaves an Ogg file that decodes when the worker dies', async () => {
    await using test = await openPlane();
    await call(test);
    const { file } = await start(test, { format: 'ogg' });
    await exceeds(() => sizeOf(file), 15_000);
    await killWorker(test);
    const heard = await decode(file);
    expectBothSides(heard);
    expect(heard.left.samples.length).toBeGreaterThan(48_000);
  });

  it('goes on while the engine is away, and is the next one’s to pause and to end', async () => {
    await using test = await openPlane();
    await call(test);
    const { file } = await start(test);
    await recorded(file, 300);
    await test.plane.close({ stopWorker: false });
    const before = await sizeOf(file);
    await exceeds(() => sizeOf(file), before + 30_000);

    const next = await planeAt(test);
    const adopted = await next.adopt();
    expect(adopted.recordings).toEqual([{ leg: 'ours', file }]);
    // What it finds is no reason to begin anything anew.
    for (const leg of adopted.legs) await next.setLeg(leg);
    await next.pauseRecording('ours', true);
    const paused = await sizeOf(file);
    await exceeds(() => sizeOf(file), paused + 60_000);
    await next.stopRecording('ours');
    await next.close({ stopWorker: true });
    const { left, right } = await listen(file);
    for (const { samples } of [left, right])
      expect(Math.max(...samples.subarray(-8000).map(Math.abs))).toBe(0);
    expect(findTone(right, THEIRS).longestGapMs).toBeLessThanOrEqual(20);
  });

  it('costs the call nothing when the disk stands still, not even to stop it', async () => {
    await using test = await openPlane();
    const { theirs } = await call(test);
    const heard = `${test.directory}/far.wav`;
    await test.plane.setLeg({ ...theirs, output: `file:${heard}` });
    const file = `${test.directory}/still`;
    await run('mkfifo', [file]);
    // A pipe that nobody reads: when it is full, the writer stands still as with a disk that hangs.
    const reader = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const filler = await open(file, constants.O_WRONLY | constants.O_NONBLOCK);
    await filler.write(Buffer.alloc(60_000));
    await test.plane.startRecording({ leg: 'ours', file, format: 'ogg', channels: 'stereo' });
    const tone = async () => findTone((await listen(heard)).left, OURS);
    await exceeds(async () => (await tone()).presentMs, 3000);
    await test.plane.stopRecording('ours');
    await exceeds(async () => (await tone()).presentMs, 4000);
    expect((await tone()).longestGapMs).toBeLessThanOrEqual(20);
    await filler.close();
    await reader.close();
  }, 20_000);

  it('ends without a gap in the call when the disk is full', async () => {
    await using test = await openPlane();
    const { theirs } = await call(test);
    const file = `${test.directory}/far.wav`;
    await test.plane.setLeg({ ...theirs, output: `file:${file}` });
    const ended = nextEvent(test.plane, 'recordingEnded');
    await test.plane.startRecording({
      leg: 'ours',
      file: '/dev/full',
      format: 'ogg',
      channels: 'stereo',
    });
    expect(await ended).toMatchObject({
      reason: 'failed',
      message: expect.stringMatching(/space/iu),
    });
    const heard = async () => findTone((await listen(file)).left, OURS);
    await exceeds(async () => (await heard()).presentMs, 1500);
    expect((await heard()).longestGapMs).toBeLessThanOrEqual(20);
  });
});

/** The loudest sample of the quietest half second. */
function quietest({ samples, sampleRate }: Audio): number {
  const size = sampleRate / 2;
  let least = 1;
  for (let at = 0; at + size <= samples.length; at += size / 4)
    least = Math.min(least, Math.max(...samples.subarray(at, at + size).map(Math.abs)));
  return least;
}
