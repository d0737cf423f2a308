import { describe, expect, it } from 'vitest';
import { nextHops, peerAddress } from '../../src/call/peer-address.ts';

describe('the address that media of a call will probably go to', () => {
  const registrar = ['sip:192.0.2.2'];
  const proxy = (host: string) => ({ outbound_proxy: `sip:${host};lr` });

  it.each([
    ['the target', {}, {}, '192.0.2.3'],
    ['the registrar', { registrar }, {}, '192.0.2.2'],
    ['the outbound proxy of all', { registrar }, proxy('192.0.2.1'), '192.0.2.1'],
    [
      'the account’s own',
      { registrar, ...proxy('[2001:db8::1]') },
      proxy('192.0.2.1'),
      '2001:db8::1',
    ],
    ['the next that is numeric', { registrar, ...proxy('proxy.test') }, {}, '192.0.2.2'],
  ])('is that of %s', (_what, account, sip, address) => {
    expect(peerAddress(nextHops(account, sip, 'sip:bob@192.0.2.3'))).toBe(address);
  });
});
