import type { Body } from '@offhook/signaling';

/** A digit in a SIP INFO, as `application/dtmf-relay` (and the older `application/dtmf`) has it. */
export interface InfoDigit {
  readonly digit: string;
  readonly durationMs: number;
}

export function dtmfInfo(digit: string, durationMs: number): Body {
  return {
    type: 'application/dtmf-relay',
    content: `Signal=${digit.toUpperCase()}\r\nDuration=${durationMs}\r\n`,
  };
}

const DEFAULT_DURATION_MS = 160;

/** The digit of an INFO; undefined when it is something else, or nonsense. */
export function parseDtmfInfo(body: Body): InfoDigit | undefined {
  const type = body.type.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/dtmf') {
    const digit = asDigit(body.content.trim());
    return digit === undefined ? undefined : { digit, durationMs: DEFAULT_DURATION_MS };
  }
  if (type !== 'application/dtmf-relay') return undefined;
  const digit = asDigit(/^\s*signal\s*=\s*(\S+)\s*$/im.exec(body.content)?.[1] ?? '');
  if (digit === undefined) return undefined;
  const duration = Number(/^\s*duration\s*=\s*(\d{1,5})\s*$/im.exec(body.content)?.[1]);
  return { digit, durationMs: duration > 0 ? duration : DEFAULT_DURATION_MS };
}

/** Some senders write the event number of RFC 4733 for `*` (10), `#` (11) and A…D (12…15). */
function asDigit(text: string): string | undefined {
  if (/^1[0-5]$/.test(text)) return '*#ABCD'[Number(text) - 10];
  return /^[0-9A-D*#]$/i.test(text) ? text.toUpperCase() : undefined;
}
