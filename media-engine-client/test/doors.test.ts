import { describe, expect, it } from 'vitest';
import { limitedPeer } from '../src/doors.ts';

describe('whom the limits of a guest hold for', () => {
  it.each([
    ['tcp', '192.0.2.1:4000', '192.0.2.1:4001', true],
    ['tls', '[2001:db8::1]:4000', '[2001:db8::1]:5000', true],
    ['tcp', '192.0.2.1:4000, media 1', '192.0.2.1:4001, media 3', true],
    ['tcp', '192.0.2.1:4000', '192.0.2.2:4000', false],
    ['spice', 'spice port a, media 1', 'spice port a, media 3', true],
    ['spice', 'spice port a, media 1', 'spice port b, media 1', false],
  ])('by %s, %s and %s are one: %s', (transport, one, two, same) => {
    const [first, second] = [one, two].map((description) =>
      limitedPeer({ transport, description }),
    );
    expect(first?.peer).toBeDefined();
    expect(first?.peer === second?.peer).toBe(same);
  });

  it('is a certificate wherever it comes from, and nobody but the guest itself on this machine', () => {
    const tls = { transport: 'tls', description: '192.0.2.1:1', certificateSubject: 'CN=desk' };
    expect(limitedPeer({ ...tls, description: '192.0.2.2:1' })).toEqual(limitedPeer(tls));
    expect(limitedPeer({ transport: 'unix', description: 'unix:/run/a' })).toEqual({});
  });
});
