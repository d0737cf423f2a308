import type { LastWill } from '@offhook/media-rpc';

type Match = LastWill['match'];

/** The first line of what answers a will, as far as it is kept. */
const MAX_ANSWER = 256;

/**
 * The answer that the will waits for, in what has come so far; undefined if it is not there. In a
 * stream it begins at the start of any line, in a datagram at its first byte.
 */
export function findAnswer(received: string, match: Match, stream: boolean): string | undefined {
  for (const start of starts(received, stream)) {
    const text = received.slice(start);
    if (!match.begins.some((begin) => text.startsWith(begin))) continue;
    if (!match.contains.every((part) => text.includes(part))) continue;
    const [line = ''] = text.split(/\r?\n/u, 1);
    return line.slice(0, MAX_ANSWER);
  }
  return undefined;
}

function* starts(text: string, stream: boolean): Generator<number> {
  yield 0;
  if (!stream) return;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) yield at + 1;
}
