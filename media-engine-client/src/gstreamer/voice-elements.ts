import type { NoiseSuppression } from '@offhook/media-rpc';
import type { VoiceProcessing } from '../media-plane.ts';
import { splitDevice, type SoundServer } from './device-elements.ts';

/** The worker's bus of all that the loudspeaker plays, whatever leg or tone it comes from. */
const SPEAKER = 'speaker';
const NAME = 'voice';

const noiseLevels: Readonly<Record<NoiseSuppression, number>> = {
  off: 0,
  low: 1,
  moderate: 2,
  high: 3,
};

/** Properties of the element `voice`, which can be set while it runs. */
export function voiceProperties(
  voice: VoiceProcessing | undefined,
): Readonly<Record<string, string>> {
  return {
    'echo-cancellation': String(voice?.echoCancellation ?? false),
    'noise-suppression': String(noiseLevels[voice?.noiseSuppression ?? 'off']),
    'gain-control': String(voice?.gainControl ?? false),
  };
}

/** What follows a microphone; nothing where the input is none. */
export function voiceElements(
  input: string,
  sound: SoundServer,
  voice: VoiceProcessing | undefined,
): readonly string[] {
  if (!isSoundDevice(input, sound)) return [];
  const set = Object.entries(voiceProperties(voice)).map(([name, value]) => `${name}=${value}`);
  return [`offhookvoice name=${NAME} far-end=${SPEAKER} ${set.join(' ')}`];
}

/** What goes before a loudspeaker, so that its echo can be told; nothing where there is none. */
export function speakerTap(output: string, sound: SoundServer): readonly string[] {
  return isSoundDevice(output, sound) ? [`offhooktap bus=${SPEAKER}`] : [];
}

export function isSoundDevice(id: string, sound: SoundServer): boolean {
  const [kind] = splitDevice(id);
  return kind === 'pulse' || kind === 'alsa' || (kind === 'default' && sound !== 'none');
}
