/**
 * `[audio]` of engines whose latency is measured: without voice processing, as their peers are, because
 * chirps and tones are no voice.
 */
export const PLAIN_SOUND = {
  echo_cancellation: 'off',
  noise_suppression: 'off',
  gain_control: 'off',
} as const;
