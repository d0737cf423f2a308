import { quote } from './quote.ts';

/** What the worker's others hear of a leg, each as the bus that a tap of it goes to; '' is none. */
export interface Taps {
  /** What is said here, as it is sent: muted it is silence. */
  readonly near: string;
  /** What was received and decoded, before the volume of the loudspeaker. */
  readonly far: string;
}

export function nearBus(leg: string): string {
  return `near:${leg}`;
}

export function farBus(leg: string): string {
  return `leg:${leg}`;
}

/** Which taps are open: resampling for nobody would be a waste. */
export function tapsOf(leg: string, use: { conference: boolean; recorded: boolean }): Taps {
  return {
    near: use.recorded ? nearBus(leg) : '',
    far: use.recorded || use.conference ? farBus(leg) : '',
  };
}

/** Always there, so that they are opened and closed while the leg plays. */
export function tapElements(taps: Taps): { readonly near: string; readonly far: string } {
  return {
    near: `offhooktap name=near captured=true bus=${quote(taps.near)}`,
    far: `offhooktap name=far bus=${quote(taps.far)}`,
  };
}
