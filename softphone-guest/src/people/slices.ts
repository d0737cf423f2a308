import { setImmediate as turn } from 'node:timers/promises';

/** So long nothing else has its turn: calls go on meanwhile. */
const SLICE_MS = 8;

/** Does the work for each, and lets everything else have its turn every few milliseconds. */
export async function inSlices<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let until = performance.now() + SLICE_MS;
  for (const item of items) {
    work(item);
    if (performance.now() < until) continue;
    await turn();
    until = performance.now() + SLICE_MS;
  }
}
