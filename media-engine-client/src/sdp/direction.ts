import type { Direction } from '@offhook/media-rpc';

/** Direction arithmetic of RFC 3264 §5.1, §6.1 and §8.4. */

const sends = (direction: Direction) => direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: Direction) => direction === 'sendrecv' || direction === 'recvonly';

function of(send: boolean, receive: boolean): Direction {
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

/** The same stream seen from the other end. */
export function reverse(direction: Direction): Direction {
  return of(receives(direction), sends(direction));
}

/** What remains when this end wants one thing and may only do another. */
export function intersect(a: Direction, b: Direction): Direction {
  return of(sends(a) && sends(b), receives(a) && receives(b));
}

/** The stream without what would go to an unspecified address (the hold of RFC 2543). */
export function withoutReceiving(direction: Direction): Direction {
  return of(sends(direction), false);
}

export { sends, receives };
