import { expect } from 'vitest';

/** What will be so, however busy the machine is. */
export function eventually<T>(look: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 8000, interval: 10 });
}
