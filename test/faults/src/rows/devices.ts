import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sine, writeWav } from '@offhook/common/audio';
import { missing, Pulse, until } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import type { Call } from '../call.ts';
import type { Context, Measure, Part } from '../row.ts';
import { silence } from '../silence.ts';

const HEADSET_HZ = 620;
const BUILT_IN_HZ = 800;
const TONES = [HEADSET_HZ, BUILT_IN_HZ];

/** F13: the headset is unplugged in a call; what else is there stands in, until it is back. */
async function unplugged(context: Context): Promise<Measure> {
  const { directory, scope } = context;
  // Whatever is played into a null sink is what a microphone hears.
  const pulse = scope.use(await Pulse.start(directory, ['speakers', 'room', 'mouth']));
  const microphone = (name: string, hears: string) =>
    pulse.plug('remap-source', `source_name=${name}`, `master=${hears}.monitor`);
  await microphone('array', 'room');
  const plugIn = async () => [
    await pulse.plug('null-sink', 'sink_name=headset'),
    await microphone('boom', 'mouth'),
  ];
  const headset = await plugIn();
  await pulse.control('set-default-sink', 'speakers');
  await pulse.control('set-default-source', 'array');
  const speak = async (hz: number, sink: string): Promise<void> => {
    const file = join(directory, `${hz}.wav`);
    await writeFile(file, writeWav(sine(hz, 120, 16_000)));
    scope.use(pulse.play(file, sink));
  };
  await speak(HEADSET_HZ, 'mouth');
  await speak(BUILT_IN_HZ, 'room');
  const bed = await Bed.open(context, {
    engine: {
      audio: {
        input: 'pulse:boom',
        output: 'pulse:headset',
        // Tones that do not end are noise to it.
        noise_suppression: 'off',
        echo_cancellation: 'off',
      },
    },
    wrapEngine: (program) => pulse.wrap(program),
  });
  const call = await bed.call({ hears: HEADSET_HZ });
  const mark = call.mark;
  await call.far.hears(HEADSET_HZ, { mark, ms: 1000 });
  for (const module of headset) await pulse.control('unload-module', module);
  await call.far.hears(BUILT_IN_HZ, { mark, ms: 1000, within: 10_000 });
  const gone = voice(call, mark);
  const back = call.mark;
  await plugIn();
  await until('the headset to be in use again', () => voice(call, back).last === HEADSET_HZ, {
    within: 10_000,
    every: 100,
  });
  await call.far.hears(HEADSET_HZ, { mark: back, ms: 1000, within: 10_000 });
  const heard = call.heard(mark);
  await call.end();
  return {
    gapMs: gone.longestMs,
    survived: heard.lost === 0 && heard.streams.length === 1,
    detail: {
      gap: 'until another microphone is heard',
      backGapMs: voice(call, back).longestMs,
      rtp: heard,
    },
  };
}

function voice(call: Call, mark: number): ReturnType<typeof silence> {
  return silence(call.far.capture.audio(mark), TONES);
}

export const deviceParts: readonly Part[] = [
  {
    row: 'F13',
    name: 'pulse',
    what: 'the microphone and loudspeaker in use are unplugged and plugged in again; PulseAudio',
    target: { gapMs: 500 },
    deadline: 60_000,
    core: true,
    inTable: true,
    missing: () => missing('pulseaudio'),
    run: unplugged,
  },
];
