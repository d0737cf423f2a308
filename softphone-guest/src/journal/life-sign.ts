import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { z } from 'zod';

/** When a process lived, in a way that a wall clock that jumps cannot spoil. */
export interface LifeSign {
  /** Tells one run of the machine's kernel from the next; empty if unknown. */
  readonly boot: string;
  /** Milliseconds since that kernel started. */
  readonly upMs: number;
  /** Wall clock, ms since the epoch. */
  readonly wall: number;
}

const schema = z.object({ boot: z.string().max(64), upMs: z.number(), wall: z.number() });

/** Longer than any call; beyond it the wall clock was wrong then, or is now. */
const BELIEVABLE_MS = 7 * 24 * 3_600_000;

export function lifeSign(): LifeSign {
  return { boot: bootId(), upMs: Math.round(uptime() * 1000), wall: Date.now() };
}

/** Milliseconds from then to now; undefined when the clocks do not allow to say. */
export function awayMs(written: string, now: LifeSign): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch {
    return undefined;
  }
  const then = schema.safeParse(value).data;
  if (then === undefined) return undefined;
  const sameBoot = then.boot !== '' && then.boot === now.boot;
  const away = sameBoot ? now.upMs - then.upMs : now.wall - then.wall;
  return away >= 0 && away <= BELIEVABLE_MS ? away : undefined;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
