import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTone, sine, writeWav } from '@offhook/common/audio';
import { Pulse } from '../infra/pulse.ts';
import { readRecording } from '../infra/recording.ts';
import { until } from '../infra/wait.ts';
import { EngineProcess } from '../phone/engine-process.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { LINES } from '../runner/lane.ts';
import { scenario } from '../runner/scenario.ts';
import { FAR_END_HZ } from '../runner/stage.ts';

const VOICE_HZ = 620;

/** A call over a real sound server, as on a desk. */
export const pulseScenarios = scenario({
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
    const engine = stage.scope.use(
      await EngineProcess.start({
        directory,
        config: {
          audio: {
            input: 'pulse:headset.monitor',
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
