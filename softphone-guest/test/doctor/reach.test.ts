import type { SipPath } from '@offhook/signaling';
import { describe, expect, it } from 'vitest';
import { reachCheck } from '../../src/doctor/reach.ts';

const local = { address: '192.168.77.2', port: 5060 };
const seen = { address: '203.0.113.9', port: 40_123 };
const path: SipPath = {
  transport: 'udp',
  local,
  seenAs: local,
  behindNat: false,
  contact: 'sip:alice@192.168.77.2:5060',
};

describe('whether calls find their way to us', () => {
  it('nothing is between us and the registrar', () => {
    expect(reachCheck('pbx', path, true)).toMatchObject({
      layer: 'nat',
      level: 'ok',
      message: 'pbx sees us where we are, at udp 192.168.77.2:5060',
    });
  });

  it('the registrar does not say', () => {
    const { seenAs: _seenAs, ...silent } = path;
    expect(reachCheck('pbx', silent, true)).toMatchObject({ level: 'ok' });
  });

  it('a NAT, and the Contact says so', () => {
    const contact = 'sip:alice@203.0.113.9:40123;oh=1';
    const check = reachCheck('pbx', { ...path, seenAs: seen, behindNat: true, contact }, true);
    expect(check).toMatchObject({ level: 'ok' });
    expect(check.message).toContain('pbx sees 203.0.113.9:40123 for udp 192.168.77.2:5060');
  });

  it('a NAT with another port each time is warned of, and over TCP it does no harm', () => {
    const behind = { ...path, seenAs: seen, behindNat: true };
    expect(reachCheck('pbx', behind, true)).toMatchObject({
      level: 'warn',
      remedy: expect.stringContaining('transport=tcp') as string,
    });
    expect(reachCheck('pbx', { ...behind, transport: 'tcp' }, true)).toMatchObject({ level: 'ok' });
    // Nothing has put the Contact right yet.
    expect(reachCheck('pbx', behind, false)).toMatchObject({ level: 'ok' });
  });
});
