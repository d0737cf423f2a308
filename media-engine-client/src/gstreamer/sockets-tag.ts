import { z } from 'zod';

const socketsTag = z.object({ dscp: z.number(), tag: z.string() });

/** What the worker keeps with a pair of sockets for the next engine. */
export type SocketsTag = z.output<typeof socketsTag>;

export function writeSocketsTag({ dscp, tag }: SocketsTag): string {
  return JSON.stringify({ dscp, tag });
}

/** Of anything else, sockets without a mark and without a tag. */
export function readSocketsTag(text: string): SocketsTag {
  try {
    return socketsTag.parse(JSON.parse(text));
  } catch {
    return { dscp: 0, tag: '' };
  }
}
