import { goertzel } from '@offhook/common/audio';
import type { CodecName } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import type { LegConfig, RtpSockets } from '../../src/media-plane.ts';
import {
  codec,
  legConfig,
  openPlane,
  openSockets,
  recording,
  type TestPlane,
} from './test-plane.ts';

const MICROPHONE = 440;

interface Party {
  readonly name: string;
  readonly hz: number;
  /** Of the thin client. */
  leg: LegConfig;
  readonly here: RtpSockets;
  /** What the party plays to itself. */
  readonly file: string;
}

/** A party that plays a tone, and the thin client's leg to it. */
async function party(
  here: TestPlane,
  there: TestPlane,
  name: string,
  hz: number,
  codecName: CodecName,
): Promise<Party> {
  const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
  const file = `${there.directory}/${name}.wav`;
  const options = { codec: codec(codecName) };
  const leg = legConfig(name, a, b, { ...options, input: `tone:${MICROPHONE}` });
  await here.plane.setLeg(leg);
  await there.plane.setLeg(
    legConfig(name, b, a, { ...options, input: `tone:${hz}`, output: `file:${file}` }),
  );
  return { name, hz, leg, here: a, file };
}

async function conference(here: TestPlane, members: readonly Party[]): Promise<void> {
  for (const member of members) {
    const hears = members.filter((other) => other !== member).map(({ leg }) => leg.id);
    const { hears: _, ...leg } = member.leg;
    member.leg = hears.length === 0 ? leg : { ...leg, hears };
    await here.plane.setLeg(member.leg);
  }
}

/** Levels are looked at in pieces of so many milliseconds, over the last 800. */
const PIECE_MS = 100;
const PIECES = 8;
const AUDIBLE_DB = -40;

/** Which of the tones a party has heard most of the time lately. */
async function lately(file: string, tones: readonly number[]): Promise<readonly number[]> {
  const audio = await recording(file).catch(() => undefined);
  if (audio === undefined) return [];
  const size = Math.round((audio.sampleRate * PIECE_MS) / 1000);
  const from = audio.samples.length - PIECES * size;
  if (from < 0) return [];
  const pieces = Array.from({ length: PIECES }, (_, at) =>
    audio.samples.subarray(from + at * size, from + (at + 1) * size),
  );
  return tones.filter((hz) => {
    const heard = pieces.filter((piece) => goertzel(piece, hz, audio.sampleRate) > AUDIBLE_DB);
    return heard.length >= PIECES - 2;
  });
}

const PATIENT = { timeout: 10_000, interval: 200 };

describe('a conference at the thin client', () => {
  it('gives each party the others and the microphone, never itself; parties leave and come back', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const bob = await party(here, there, 'bob', 700, 'PCMA');
    const carol = await party(here, there, 'carol', 1100, 'opus');
    const dave = await party(here, there, 'dave', 1900, 'G722');
    const all = [MICROPHONE, 700, 1100, 1900];
    await expect.poll(() => lately(bob.file, all), PATIENT).toEqual([MICROPHONE]);

    await conference(here, [bob, carol, dave]);
    await expect.poll(() => lately(bob.file, all), PATIENT).toEqual([MICROPHONE, 1100, 1900]);
    await expect.poll(() => lately(carol.file, all), PATIENT).toEqual([MICROPHONE, 700, 1900]);
    await expect.poll(() => lately(dave.file, all), PATIENT).toEqual([MICROPHONE, 700, 1100]);

    const { hears: _, ...alone } = dave.leg;
    await here.plane.setLeg(alone);
    await conference(here, [bob, carol]);
    await expect.poll(() => lately(bob.file, all), PATIENT).toEqual([MICROPHONE, 1100]);
    await expect.poll(() => lately(dave.file, all), PATIENT).toEqual([MICROPHONE]);

    await conference(here, [bob, carol, dave]);
    await expect.poll(() => lately(bob.file, all), PATIENT).toEqual([MICROPHONE, 1100, 1900]);

    // One vanishes without a word.
    await here.plane.closeLeg('carol');
    await expect.poll(() => lately(bob.file, all), PATIENT).toEqual([MICROPHONE, 1900]);
  }, 60_000);

  it('lets the others talk on while the microphone is muted', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const bob = await party(here, there, 'bob', 700, 'PCMA');
    const carol = await party(here, there, 'carol', 1100, 'PCMU');
    await conference(here, [bob, carol]);
    await expect
      .poll(() => lately(bob.file, [MICROPHONE, 700, 1100]), PATIENT)
      .toEqual([MICROPHONE, 1100]);
    await here.plane.setLeg({ ...bob.leg, muted: true });
    await expect.poll(() => lately(bob.file, [MICROPHONE, 700, 1100]), PATIENT).toEqual([1100]);
  }, 30_000);
});
