import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findTone, level, readWav, type Audio } from '@offhook/common/audio';
import { until } from '../infra/wait.ts';
import { MICROPHONE_HZ } from '../phone/engine-process.ts';
import { FAR_END_HZ, type Stage } from '../runner/stage.ts';
import { scenario } from '../runner/scenario.ts';
import { offhook } from './command-line.ts';
import { endedByPeer, hangUp, place, receive, soundBothWays } from './steps.ts';

const run = promisify(execFile);

interface Sides {
  /** This end. */
  readonly left: Audio;
  /** The others. */
  readonly right: Audio;
}

async function listen(file: string): Promise<Sides> {
  const bytes = await readFile(file);
  return { left: readWav(bytes, 0), right: readWav(bytes, 1) };
}

async function decoded(ogg: string): Promise<Sides> {
  const file = `${ogg}.wav`;
  const elements = `filesrc location=${ogg} ! oggdemux ! opusdec ! audio/x-raw,format=S16LE ! wavenc ! filesink location=${file}`;
  await run('gst-launch-1.0', ['-q', ...elements.split(' ')]);
  return listen(file);
}

const presentMs = ({ left, right }: Sides): readonly [number, number] => [
  findTone(left, MICROPHONE_HZ).presentMs,
  findTone(right, FAR_END_HZ).presentMs,
];

/** Until both tones are in the file for so many milliseconds more than `before`. */
async function recorded(file: string, ms: number, before: Sides | undefined): Promise<Sides> {
  const [ours, theirs] = before === undefined ? [0, 0] : presentMs(before);
  let seen = '';
  return until(
    `${ms} ms of both sides in the recording`,
    async () => {
      const sides = await listen(file).catch(() => undefined);
      if (sides === undefined) return undefined;
      const [left, right] = presentMs(sides);
      seen = `${left} and ${right} ms are in it`;
      return left >= ours + ms && right >= theirs + ms ? sides : undefined;
    },
    { within: 8000, every: 100, seen: () => seen },
  );
}

/** No side has the other's tone. */
function assertApart({ left, right }: Sides): void {
  assert.equal(findTone(left, FAR_END_HZ).presentMs, 0, 'the far end is on our side');
  assert.equal(findTone(right, MICROPHONE_HZ).presentMs, 0, 'we are on the far end’s side');
}

const samplesIn = (file: string) => listen(file).then(({ left }) => left.samples.length);

/** What is recorded while `during` lasts a good second. */
async function meanwhile(file: string): Promise<Sides> {
  const from = await samplesIn(file);
  const { left, right } = await until(
    'the recording to go on',
    async () => ((await samplesIn(file)) > from + 16_000 ? listen(file) : undefined),
    { within: 8000, every: 100 },
  );
  // Without the moment in which it began.
  const part = (audio: Audio) => ({ ...audio, samples: audio.samples.subarray(from + 4000) });
  return { left: part(left), right: part(right) };
}

async function record(stage: Stage, action: string): Promise<string> {
  const { code, output } = await offhook(stage, 'record', action);
  assert.equal(code, 0, output);
  return output;
}

async function fileOf(stage: Stage, call: string): Promise<string> {
  const [first] = (await stage.phone.get(call)).recordings;
  assert.ok(first !== undefined);
  return join(stage.engine.recordings, first.file);
}

/** Both parties in a file at the thin client. */
export const recordings = [
  ...scenario({
    id: 'record',
    title: 'A call is recorded, each party on its side; paused and muted there is silence',
    requirements: ['media.recording', 'cli.calls'],
    setting: { engine: { recording: { allowed: true } } },
    deadline: 45_000,
    async run(stage) {
      const placed = await place(stage, 'uas-hold.xml');
      const { call } = placed;
      await stage.phone.becomes(call, 'established');
      await soundBothWays(stage, placed);
      assert.match(await record(stage, 'start'), /● REC/u);
      const file = await fileOf(stage, call);
      assert.match(file, /\d_out_[^/]+\.wav$/u);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      let sides = await recorded(file, 700, undefined);

      await record(stage, 'pause');
      assert.equal((await stage.phone.get(call)).recording, 'paused');
      const paused = await meanwhile(file);
      // Not so much as a whisper, while both are heard in the call.
      assert.deepEqual([level(paused.left.samples), level(paused.right.samples)], [-120, -120]);
      await placed.far.hears(MICROPHONE_HZ, { mark: placed.far.capture.mark });
      await record(stage, 'resume');
      sides = await recorded(file, 500, sides);

      await stage.phone.call('call.mute', { call });
      const muted = await meanwhile(file);
      assert.equal(level(muted.left.samples.subarray(-4000)), -120);
      assert.ok(findTone(muted.right, FAR_END_HZ).presentMs > 500);
      await stage.phone.call('call.unmute', { call });

      await stage.phone.call('call.hold', { call });
      await stage.phone.call('call.resume', { call });
      sides = await recorded(file, 500, await listen(file));
      await record(stage, 'stop');
      sides = await listen(file);
      assertApart(sides);
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
      const { recordings: kept } = await stage.phone.get(call);
      const seconds = sides.left.samples.length / sides.left.sampleRate;
      assert.equal(kept[0]?.end, 'guest');
      assert.ok(Math.abs((kept[0]?.seconds ?? 0) - seconds) <= 1, `${seconds} s`);
    },
  }),
  ...scenario({
    id: 'record-by-itself',
    title: 'A line that is always recorded, as Ogg/Opus; the recording ends with the call',
    requirements: ['media.recording'],
    setting: {
      engine: { recording: { allowed: true, format: 'ogg' } },
      accounts: () => [
        {
          aor: 'sip:auto@example.test',
          register: false,
          auto_answer: true,
          record: true,
          codecs: ['PCMA'],
        },
      ],
    },
    async run(stage) {
      const placed = await receive(stage, 'uac-call.xml', { pauses: 3000 });
      await stage.phone.sees(placed.call, 'recorded', ({ recording }) => recording === 'recording');
      await soundBothWays(stage, placed);
      await endedByPeer(stage, placed);
      const file = await fileOf(stage, placed.call);
      assert.match(file, /\d_in_[^/]+\.ogg$/u);
      await until(
        'the recording to have ended',
        async () => (await stage.phone.get(placed.call)).recordings[0]?.end === 'call-ended',
        { within: 4000 },
      );
      const sides = await until(
        'the file to be whole',
        () => decoded(file).catch(() => undefined),
        {
          within: 4000,
        },
      );
      const [ours, theirs] = presentMs(sides);
      assert.ok(ours > 1500 && theirs > 1500, `${ours} and ${theirs} ms are in it`);
      assertApart(sides);
    },
  }),
  ...scenario({
    id: 'record-not-allowed',
    title: 'A thin client that does not allow recording says which setting it is',
    requirements: ['media.recording'],
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(placed.call, 'established');
      const { code, output } = await offhook(stage, 'record', 'start');
      assert.equal(code, 1, output);
      assert.match(output, /does not allow recording.*\[recording\] allowed = true/su);
      assert.equal((await stage.phone.get(placed.call)).recording, null);
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'record-unwritable',
    title: 'A directory that cannot be written is named, and the call goes on',
    requirements: ['media.recording'],
    setting: { engine: { recording: { allowed: true, directory: '/dev/null/recordings' } } },
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(placed.call, 'established');
      const { code, output } = await offhook(stage, 'record', 'start');
      assert.equal(code, 1, output);
      assert.match(output, /\/dev\/null\/recordings.*\[recording\] directory/su);
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
];
