import { InvalidArgumentError, Option } from 'commander';

/** Arguments that several commands have. */

export const CALL = 'its id or first letters; may be left out when only one can be meant';

const DEFAULT_WAIT_S = 60;

/** `--wait` alone waits a minute. The value is in milliseconds. */
export function waitOption(
  what = 'wait until the call is established; exit 1 when it is refused, 5 at the deadline',
): Option {
  return new Option('--wait [seconds]', `${what}; ${DEFAULT_WAIT_S} s unless told otherwise`)
    .preset(String(DEFAULT_WAIT_S))
    .argParser((text) => {
      const seconds = Number(text);
      if (text.trim() !== '' && seconds > 0 && seconds <= 3600) return Math.ceil(seconds * 1000);
      throw new InvalidArgumentError('seconds, more than 0 and at most 3600');
    });
}

/** Whole seconds, as milliseconds. */
export function asSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 300) return seconds * 1000;
  throw new InvalidArgumentError('seconds, from 1 to 300');
}

export function asCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 10_000) return count;
  throw new InvalidArgumentError('a number from 1 to 10000');
}

export function asRole(text: string): 'input' | 'output' | 'ringer' {
  if (text === 'input' || text === 'output' || text === 'ringer') return text;
  throw new InvalidArgumentError('input, output or ringer');
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time of day here, or how long ago; as an instant of ISO 8601. */
export function asSince(text: string): string {
  const ago = /^(\d{1,6})([mhd])$/.exec(text);
  const unit = ago?.[2] as keyof typeof UNITS | undefined;
  const instant =
    unit !== undefined
      ? new Date(Date.now() - Number(ago?.[1]) * UNITS[unit])
      : // A date alone is midnight here, not in Greenwich.
        new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
  if (/^\d/.test(text) && !Number.isNaN(instant.getTime())) return instant.toISOString();
  throw new InvalidArgumentError('a date such as 2026-11-30 or 2026-11-30T14:00, or 30m, 12h, 7d');
}
