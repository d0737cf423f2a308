import { quote } from './quote.ts';

export interface ConferenceElements {
  /** Follows the microphone; what comes out is the mix that this leg sends. */
  readonly mixer: string;
  /** Follows the decoder: lets the others hear what this leg has received. */
  readonly tap: string;
}

/**
 * A leg's part of a conference: what it has decoded goes on a bus of its own in the worker, and the
 * buses of the others are added to the microphone. So no leg is stopped when another one comes or
 * goes, and each has its own codec.
 */
export function conferenceElements(id: string, hears: readonly string[]): ConferenceElements {
  return {
    mixer: `offhookmix buses=${quote(hears.map(bus).join(' '))}`,
    tap: `offhooktap bus=${quote(bus(id))}`,
  };
}

function bus(leg: string): string {
  return `leg:${leg}`;
}
