import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectControl } from '@offhook/common';
import { findTone, level, sine, speech, writeWav } from '@offhook/common/audio';
import { Pulse } from '../infra/pulse.ts';
import { readRecording } from '../infra/recording.ts';
import { until } from '../infra/wait.ts';
import { EngineProcess } from '../phone/engine-process.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { z } from 'zod';
import { LINES } from '../runner/lane.ts';
import type { Stage } from '../runner/stage.ts';
import { scenario } from '../runner/scenario.ts';
import { FAR_END_HZ } from '../runner/stage.ts';

const VOICE_HZ = 620;

/** A call over a real sound server, as on a desk. */
const devices = scenario({
  id: 'pulse-devices',
  title: 'Microphone and loudspeaker of a sound server: what is said is heard, both ways',
  group: 'interop',
  requirements: ['media.devices', 'media.both-ways'],
  setting: { phone: 'none' },
  needs: ['pulseaudio'],
  deadline: 45_000,
  async run(stage) {
    const { directory, signal } = stage;
    const pulse = stage.scope.use(await Pulse.start(directory, ['headset', 'speaker']));
    const voice = join(directory, 'voice.wav');
    await writeFile(voice, writeWav(sine(VOICE_HZ, 30, 16_000)));
    const { guest } = await phoneAt(stage, pulse, 'pulse:headset.monitor');
    const far = await stage.media();
    const sipp = await stage.answering('uas-answer.xml', { media: far, extra: ['-d', '50'] });
    const heard = join(directory, 'heard.wav');
    stage.scope.use(pulse.record(heard, 'speaker'));
    stage.scope.use(pulse.play(voice, 'headset'));
    const { id } = await guest.phone.dial(sipp.uri(), 'alice');
    await guest.phone.becomes(id, 'established');
    await far.hears(VOICE_HZ, { ms: 800, signal, within: 10_000 });
    await until(
      'the loudspeaker to play the far end',
      async () => findTone(await readRecording(heard), FAR_END_HZ).presentMs >= 800,
      { within: 10_000, every: 200, signal },
    );
    await guest.phone.hangup(id);
    await guest.phone.becomes(id, 'ended');
    await sipp.done();
  },
});

/** A phone and an engine with that microphone, and a loudspeaker of that server; neither is made better. */
async function phoneAt(stage: Stage, pulse: Pulse, input: string) {
  const { directory, signal } = stage;
  const engine = stage.scope.use(
    await EngineProcess.start({
      directory,
      config: {
        audio: {
          input,
          output: 'pulse:speaker',
          // Tones that do not end are noise to it.
          noise_suppression: 'off',
          echo_cancellation: 'off',
        },
      },
      wrap: (program) => pulse.wrap(program),
      signal,
    }),
  );
  const guest = stage.scope.use(
    await GuestProcess.start({ directory, channel: engine.channel, accounts: LINES, signal }),
  );
  await guest.phone.engineConnected();
  return { engine, guest };
}

/** So long is what the far end says, over and over: levels over that are of the same words. */
const WORDS_S = 3;
const ECHO_MS = 120;
/** What has to be gone of an echo, dB; on a quiet machine it is 35 (docs/benchmarks.md). */
const GONE_DB = 20;

/** A desk whose microphone hears the loudspeaker, some 10 dB softer. */
const echo = scenario({
  id: 'pulse-echo',
  title:
    'The far end does not hear itself: its echo is 20 dB down, once it has spoken for some seconds',
  group: 'interop',
  requirements: ['media.echo'],
  setting: { phone: 'none' },
  needs: ['pulseaudio'],
  deadline: 90_000,
  async run(stage) {
    const { directory, signal } = stage;
    const pulse = stage.scope.use(await Pulse.start(directory, ['mic', 'speaker']));
    const loop = ['source=speaker.monitor', 'sink=mic', `latency_msec=${ECHO_MS}`, 'adjust_time=0'];
    await pulse.plug('loopback', ...loop);
    const inputs = await pulse.control('list', 'short', 'sink-inputs');
    await pulse.control('set-sink-input-volume', inputs.split('\t', 1)[0] ?? '', '70%');
    const { engine, guest } = await phoneAt(stage, pulse, 'pulse:mic.monitor');
    const voice = speech(WORDS_S, 1, 8000).samples;
    const far = await stage.media({ voice });
    const sipp = await stage.answering('uas-answer.xml', { media: far, extra: ['-d', '50'] });
    const { id } = await guest.phone.dial(sipp.uri(), 'alice');
    await guest.phone.becomes(id, 'established');
    const heard = () => {
      const last = far.capture.audio(Math.max(0, far.capture.mark - 50 * WORDS_S)).samples;
      return last.length < 7900 * WORDS_S ? -120 : level(last);
    };
    const said = level(voice);
    await until('the far end to hear itself', () => heard() > said - 20, {
      within: 15_000,
      signal,
      seen: () => `it spoke at ${said} dBFS and heard ${heard()}`,
    });
    const echoDb = heard();
    const control = await connectControl(join(engine.stateDir, 'control.sock'));
    const since = performance.now();
    await control.call('voice', { echoCancellation: 'on' }, { result: z.object({}) });
    await control.close();
    await until('the echo to be gone', () => heard() < echoDb - GONE_DB, {
      // 3 s, the words over; where streams run dry because the machine is busy the way changes, and is found anew.
      within: 45_000,
      signal,
      seen: () => `it was ${echoDb} dBFS and is ${heard()}`,
    });
    const seconds = Math.round((performance.now() - since) / 100) / 10;
    stage.note(`the far end heard itself at ${echoDb} dBFS, and ${seconds} s later at ${heard()}`);
    await guest.phone.hangup(id);
    await guest.phone.becomes(id, 'ended');
    await sipp.done();
  },
});

export const pulseScenarios = [...devices, ...echo];
