import type { AudioDevice, VoiceWishes } from '@offhook/media-rpc';
import type { VoiceProcessing } from './media-plane.ts';

/** What PulseAudio calls devices that are worn at the ear: they leave nothing for a microphone to hear. */
const AT_THE_EAR = ['headset', 'headphone', 'handset', 'hands-free'];

/**
 * Whether a loudspeaker can be heard by the microphone. A device of which nothing is known is taken for
 * one that can: a canceller without an echo costs a little time, an echo costs the conversation.
 */
export function canEcho(output: AudioDevice | undefined): boolean {
  return !AT_THE_EAR.includes(output?.formFactor ?? '');
}

/**
 * What the voice is processed by. The first of `wishes` that is not `auto` decides, for each part; where
 * none does, `echoes` does: a loudspeaker stands on a desk, with a microphone that is as far from the
 * mouth as from everything else, while a headset has neither echo nor much noise, and every millisecond
 * counts.
 */
export function voiceProcessing(wishes: readonly VoiceWishes[], echoes: boolean): VoiceProcessing {
  const first = <K extends keyof VoiceWishes>(part: K) =>
    wishes.map((wish) => wish[part]).find((wish) => wish !== undefined && wish !== 'auto');
  const noise = first('noiseSuppression');
  return {
    echoCancellation: isOn(first('echoCancellation'), echoes),
    noiseSuppression:
      noise === undefined || noise === 'auto' ? (echoes ? 'moderate' : 'off') : noise,
    gainControl: isOn(first('gainControl'), echoes),
  };
}

function isOn(wish: VoiceWishes['echoCancellation'], otherwise: boolean): boolean {
  return wish === undefined ? otherwise : wish === 'on';
}
