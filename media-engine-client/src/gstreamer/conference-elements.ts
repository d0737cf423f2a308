import { quote } from './quote.ts';
import { farBus } from './tap-elements.ts';

/**
 * A leg's part of a conference: what it has decoded goes on a bus of its own in the worker (its tap
 * `far`), and the buses of the others are added to the microphone. So no leg is stopped when another
 * one comes or goes, and each has its own codec. What comes out is the mix that this leg sends.
 */
export function conferenceMixer(hears: readonly string[]): string {
  return `offhookmix buses=${quote(hears.map(farBus).join(' '))}`;
}
