import { InvalidArgumentError, Option, type Command } from 'commander';
import type { VoiceWishes } from '@offhook/media-rpc/schemas';
import { asRole } from './arguments.ts';
import type { Context } from './call-commands.ts';

/** How loud it is at the thin client, and what is taken out of what is said there. */
export function soundCommands(program: Command, context: () => Context): void {
  program
    .command('volume')
    .description('how loud it is at the thin client, beside the volume that is set there')
    .argument('<role>', 'input, output or ringer', asRole)
    .argument('<volume>', '0 is silence, 1 unchanged, at most 4 (+12 dB)', asVolume)
    .addHelpText('after', '\nExample:\n  offhook volume output 1.5')
    .action(async (role: ReturnType<typeof asRole>, volume: number) =>
      (await import('./sound-commands.ts')).volume(context(), { role, volume }),
    );
  const onOff = ['auto', 'on', 'off'];
  program
    .command('voice')
    .description('what is taken out of what the microphone sends, in calls that run, too')
    .addOption(new Option('--echo <switch>', 'echo of the loudspeaker').choices(onOff))
    .addOption(
      new Option('--noise <level>', 'noise').choices(['auto', 'off', 'low', 'moderate', 'high']),
    )
    .addOption(new Option('--gain <switch>', 'differences of level').choices(onOff))
    .addHelpText(
      'after',
      `
What the person at the thin client has switched there stays so, whatever is said here. With auto it depends on
the devices: on with a loudspeaker, off with a headset.

Example:
  offhook voice --echo on --noise high`,
    )
    .action(async ({ echo, noise, gain }: VoiceFlags) => {
      const wishes: VoiceWishes = {
        ...(echo === undefined ? {} : { echoCancellation: echo }),
        ...(noise === undefined ? {} : { noiseSuppression: noise }),
        ...(gain === undefined ? {} : { gainControl: gain }),
      };
      if (Object.keys(wishes).length === 0) {
        program.error('voice: say what: --echo, --noise or --gain');
      }
      await (await import('./sound-commands.ts')).voice(context(), wishes);
    });
}

interface VoiceFlags {
  readonly echo?: VoiceWishes['echoCancellation'];
  readonly noise?: VoiceWishes['noiseSuppression'];
  readonly gain?: VoiceWishes['gainControl'];
}

function asVolume(text: string): number {
  const volume = Number(text);
  if (text.trim() !== '' && volume >= 0 && volume <= 4) return volume;
  throw new InvalidArgumentError('must be a number from 0 to 4');
}
