import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writeWav, type Audio } from '@offhook/common/audio';
import { within, type Pulse } from '@offhook/test-sipp';

import { chirpTrain, delays, findChirps, toneOf, type Delays } from './chirps.ts';
import { findGlitches, type Glitches } from './glitches.ts';
import { Recorder } from './recorder.ts';

export interface Direction {
  /** Sink whose monitor is the microphone that hears the chirps. */
  readonly from: string;
  /** Sink that is the loudspeaker at the other end. */
  readonly to: string;
}

export interface Heard extends Delays {
  /** Breaks in the tone as it went in; undefined when there was none to be heard. */
  readonly reference?: Glitches | undefined;
  /** Breaks in the tone as it came out. */
  readonly glitches?: Glitches | undefined;
}

/** Plays chirps into each of the microphones at once, and listens at the loudspeakers. */
export async function oneWay<Name extends string>(
  pulse: Pulse,
  options: {
    readonly directory: string;
    readonly chirps: number;
    /** Of a tone behind the chirps, whose breaks are counted; none by default. */
    readonly toneSeconds?: number;
    readonly directions: Readonly<Record<Name, Direction>>;
    /** Everything has been played; nothing is worked out yet. */
    readonly played?: () => Promise<void>;
  },
): Promise<Record<Name, Heard>> {
  const { chirps, toneSeconds = 0 } = options;
  const file = join(options.directory, 'chirps.wav');
  const train = chirpTrain(chirps, toneSeconds);
  await writeFile(file, writeWav(train));
  const entries = Object.entries<Direction>(options.directions);
  const recorders = await Promise.all(
    entries.map(async ([name, { from, to }]) => ({
      name,
      from,
      source: await Recorder.start(pulse, from),
      sink: await Recorder.start(pulse, to),
    })),
  );
  const players = recorders.map(({ from }) => pulse.play(file, from));
  const ms = (train.samples.length / train.sampleRate) * 1000 + 10_000;
  await within('the chirps to be played', ms, Promise.all(players.map(({ exited }) => exited)));
  await options.played?.();
  const results: Record<string, Heard> = {};
  for (const { name, source, sink } of recorders) {
    const [played, heard] = await Promise.all([source.stop(), sink.stop()]);
    const [from, to] = [findChirps(played.audio), findChirps(heard.audio)];
    const at = ({ start }: typeof played, onsets: readonly number[]) =>
      onsets.map((seconds) => start + seconds);
    const glitches = (audio: Audio, onsets: readonly number[]) => {
      const tone = toneOf(audio, onsets, { chirps, toneSeconds });
      return tone === undefined ? undefined : findGlitches(tone);
    };
    results[name] = {
      ...delays(at(played, from), at(heard, to)),
      ...(toneSeconds === 0
        ? {}
        : { reference: glitches(played.audio, from), glitches: glitches(heard.audio, to) }),
    };
  }
  return results;
}
