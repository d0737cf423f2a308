import { describe, expect, it } from 'vitest';
import type { EngineTests } from '../conformance.ts';
import type { MethodInput } from '../contract.ts';
import { refusal } from './session-driver.ts';

/** What outlasts the guest: leases, last wills, and sessions that change their owner. */
export const willTests: EngineTests = (engine) => {
  const will = (change: Partial<MethodInput<'will.set'>> = {}): MethodInput<'will.set'> => ({
    session: 's',
    transport: 'udp',
    destination: { address: engine().peer.address, port: 5060 },
    bytes: Buffer.from('BYE sip:bob@example.com SIP/2.0\r\n\r\n').toString('base64'),
    match: { begins: ['SIP/2.0 2'], contains: ['z9hG4bK1'] },
    ...change,
  });
  const set = (change?: Partial<MethodInput<'will.set'>>) =>
    engine().client.call('will.set', will(change));

  describe('lease.set', () => {
    it('grants a year at most in part, and says how much', async () => {
      const year = 365 * 24 * 3600 * 1000;
      const { ms } = await engine().client.call('lease.set', { ms: year });
      expect(ms).toBeLessThan(year);
      expect((await engine().client.call('snapshot', {})).leaseMs).toBe(ms);
    });
  });

  describe('will.set', () => {
    it('is taken for a session, and again in place of the one before', async () => {
      await engine().open('s', engine().offer());
      expect(await set()).toEqual({});
      expect(await set()).toEqual({});
      expect(await set({ transport: 'tcp', bytes: 'QllF' })).toEqual({});
    });

    it('is refused for a session that is not there, or that is closed', async () => {
      expect(await refusal(set())).toBe('unknown-session');
      await engine().open('s', engine().offer());
      await engine().client.call('session.close', { id: 's', reason: 'moved' });
      expect(await refusal(set())).toBe('unknown-session');
    });

    it.each([
      ['bytes that are not base64', { bytes: 'BYE!' }],
      ['more than 8 KiB', { bytes: 'A'.repeat(11_000) }],
      ['a transport of its own', { transport: 'tls' as never }],
      ['a port that is none', { destination: { address: '192.0.2.1', port: 0 } }],
      ['nothing to be answered with', { match: { begins: [], contains: ['x'] } }],
    ])('is refused with %s', async (_what, change) => {
      await engine().open('s', engine().offer());
      expect(await refusal(set(change))).toBe('invalid-params');
    });
  });

  describe('will.remove', () => {
    it('takes a will back, and may be repeated', async () => {
      await engine().open('s', engine().offer());
      await set();
      expect(await engine().client.call('will.remove', { session: 's' })).toEqual({});
      expect(await engine().client.call('will.remove', { session: 's' })).toEqual({});
      expect(await engine().client.call('will.remove', { session: 'nobody' })).toEqual({});
    });
  });

  describe('session.claim', () => {
    it('leaves an own session as it is', async () => {
      const before = await engine().establish('a-session-of-my-own');
      const claimed = await engine().client.call('session.claim', { id: 'a-session-of-my-own' });
      expect(claimed).toEqual({ ...before, ...claimed, revision: before.revision });
      expect(claimed.localSdp).toBe(before.localSdp);
    });

    it('is refused for a session that is not there', async () => {
      const claim = engine().client.call('session.claim', { id: 'nobody-has-this-session' });
      expect(await refusal(claim)).toBe('unknown-session');
    });
  });

  describe('guest.use', () => {
    it('changes nothing for the sessions', async () => {
      const before = await engine().establish('s');
      for (const active of [false, false, true]) {
        expect(await engine().client.call('guest.use', { active })).toEqual({});
      }
      expect((await engine().get('s')).localSdp).toBe(before.localSdp);
    });
  });

  describe('a guest that was always here', () => {
    it('has lost no session to its lease', async () => {
      await engine().establish('s');
      expect((await engine().client.call('snapshot', {})).ended ?? []).toEqual([]);
    });
  });
};
