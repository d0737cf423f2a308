import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writeWav } from '@offhook/common/audio';
import { within, type Pulse } from '@offhook/test-sipp';

import { chirpTrain, delays, findChirps, type Delays } from './chirps.ts';
import { Recorder } from './recorder.ts';

export interface Direction {
  /** Sink whose monitor is the microphone that hears the chirps. */
  readonly from: string;
  /** Sink that is the loudspeaker at the other end. */
  readonly to: string;
}

/** Plays chirps into each of the microphones at once, and listens at the loudspeakers. */
export async function oneWay<Name extends string>(
  pulse: Pulse,
  options: {
    readonly directory: string;
    readonly chirps: number;
    readonly directions: Readonly<Record<Name, Direction>>;
  },
): Promise<Record<Name, Delays>> {
  const file = join(options.directory, 'chirps.wav');
  const train = chirpTrain(options.chirps);
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
  const results: Record<string, Delays> = {};
  for (const { name, source, sink } of recorders) {
    const [played, heard] = await Promise.all([source.stop(), sink.stop()]);
    const onsets = ({ audio, start }: typeof played) =>
      findChirps(audio).map((seconds) => start + seconds);
    results[name] = delays(onsets(played), onsets(heard));
  }
  return results;
}
