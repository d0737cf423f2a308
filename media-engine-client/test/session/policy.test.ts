import { ManualClock } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { defineEngineConfig } from '../../src/config.ts';
import { DestinationPolicy } from '../../src/session/destination-policy.ts';
import { parseNetwork } from '../../src/session/network.ts';
import { RateLimit } from '../../src/session/rate-limit.ts';

describe('networks', () => {
  it('are addresses and CIDR', () => {
    expect(parseNetwork('192.0.2.1')).toEqual({ family: 4, address: '192.0.2.1', prefix: 32 });
    expect(parseNetwork('192.0.2.0/24')).toMatchObject({ prefix: 24 });
    expect(parseNetwork('2001:db8::/32')).toMatchObject({ family: 6, prefix: 32 });
    expect(parseNetwork('::')).toMatchObject({ prefix: 128 });
  });

  it.each(['', '192.0.2.0/33', '192.0.2.0/', '192.0.2/24', '::1/129', 'fe80::1%eth0', 'a/b/c'])(
    'are not %j',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );
});

describe('where media may go', () => {
  const policy = (rtp: object = {}) => new DestinationPolicy(defineEngineConfig({ rtp }).rtp);
  const far = { local: '192.0.2.10', guestIsLocal: false };
  const far6 = { local: '2001:db8::10', guestIsLocal: false };

  it('is any host by default', () => {
    expect(policy().refusal('198.51.100.1', far)).toBeUndefined();
    expect(policy().refusal('10.0.0.1', far)).toBeUndefined();
    expect(policy().refusal('2001:db8::1', far6)).toBeUndefined();
  });

  it.each(['224.0.0.1', '239.255.255.250', '255.255.255.255', '240.0.0.1', '0.1.2.3'])(
    'is never %s',
    (address) => {
      expect(policy({ allow: ['0.0.0.0/0'] }).refusal(address, far)).toBeDefined();
    },
  );

  it.each(['ff02::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:198.51.100.1'])(
    'is never %s',
    (address) => {
      expect(policy({ allow: ['::/0'] }).refusal(address, far6)).toBeDefined();
    },
  );

  it('may always be named 0.0.0.0: nothing is sent there', () => {
    expect(policy({ allow: ['10.0.0.0/8'] }).refusal('0.0.0.0', far)).toBeUndefined();
    expect(policy().refusal('::', far6)).toBeUndefined();
  });

  it('is not this machine for a guest that is elsewhere', () => {
    expect(policy().refusal('127.0.0.1', far)).toMatch(/this machine/u);
    expect(policy().refusal('::1', far6)).toMatch(/this machine/u);
  });

  it('is this machine for a guest on it, where RTP is bound to it, and where it is allowed', () => {
    const loopback = { ...far, local: '127.0.0.1' };
    expect(policy().refusal('127.0.0.1', { ...far, guestIsLocal: true })).toBeUndefined();
    expect(policy({ address: '127.0.0.1' }).refusal('127.0.0.1', loopback)).toBeUndefined();
    expect(policy({ loopback: 'allow' }).refusal('127.0.0.1', far)).toBeUndefined();
    expect(policy({ allow: ['127.0.0.2'] }).refusal('127.0.0.2', far)).toBeUndefined();
    const never = policy({ loopback: 'deny', address: '127.0.0.1' });
    expect(never.refusal('127.0.0.1', { ...loopback, guestIsLocal: true })).toBeDefined();
  });

  it('is what is allowed and not what is denied', () => {
    const both = policy({ allow: ['10.0.0.0/8'], deny: ['10.6.0.0/16'] });
    expect(both.refusal('10.1.2.3', far)).toBeUndefined();
    expect(both.refusal('10.6.2.3', far)).toMatch(/rtp\.deny/u);
    expect(both.refusal('192.0.2.1', far)).toMatch(/rtp\.allow/u);
  });

  it('is of the IP version that the sockets have', () => {
    expect(policy().refusal('2001:db8::1', far)).toMatch(/IP version/u);
    expect(policy().refusal('198.51.100.1', far6)).toMatch(/IP version/u);
  });
});

describe('a rate limit', () => {
  it('lets so many through at once, and as many more as time passes', async () => {
    const clock = new ManualClock();
    const limit = new RateLimit(2, clock);
    const takes = () => [limit.take(), limit.take(), limit.take()];
    expect(takes()).toEqual([true, true, false]);
    await clock.advance(500);
    expect(takes()).toEqual([true, false, false]);
    await clock.advance(60_000);
    expect(takes()).toEqual([true, true, false]);
  });
});
