import { direction, type Direction } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { intersect, reverse, withoutReceiving } from '../../src/sdp/direction.ts';

const all = direction.options;

describe('direction arithmetic', () => {
  it('sees the same stream from the other end', () => {
    expect(all.map(reverse)).toEqual(['sendrecv', 'recvonly', 'sendonly', 'inactive']);
    for (const one of all) expect(reverse(reverse(one))).toBe(one);
  });

  it('intersects without regard to order, with sendrecv neutral and inactive absorbing', () => {
    for (const a of all) {
      expect(intersect(a, 'sendrecv')).toBe(a);
      expect(intersect(a, 'inactive')).toBe('inactive');
      expect(intersect(a, a)).toBe(a);
      for (const b of all) expect(intersect(a, b)).toBe(intersect(b, a));
    }
    expect(intersect('sendonly', 'recvonly')).toBe('inactive');
  });

  it('answers a hold as RFC 3264 §6.1 says', () => {
    const answer = (wanted: Direction, offered: Direction) => intersect(wanted, reverse(offered));
    expect(answer('sendrecv', 'sendonly')).toBe('recvonly');
    expect(answer('sendrecv', 'recvonly')).toBe('sendonly');
    expect(answer('sendrecv', 'inactive')).toBe('inactive');
    expect(answer('sendonly', 'sendonly')).toBe('inactive');
    expect(answer('recvonly', 'sendrecv')).toBe('recvonly');
  });

  it('takes receiving away from what is sent to no address', () => {
    expect(all.map(withoutReceiving)).toEqual(['sendonly', 'sendonly', 'inactive', 'inactive']);
  });
});
