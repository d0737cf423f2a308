import { describe, expect, it } from 'vitest';
import { parseGuestConfig } from '../../src/config.ts';
import { candidates, parseAddress } from '../../src/setup/candidates.ts';
import { configText } from '../../src/setup/config-text.ts';

describe('parseAddress', () => {
  it.each([
    ['alice@example.com', 'sip:alice@example.com', 'alice', 'example.com'],
    ['SIP:alice@example.com:5070', 'sip:alice@example.com:5070', 'alice', 'example.com:5070'],
    ['sips:alice@[2001:db8::1]', 'sips:alice@[2001:db8::1]', 'alice', '[2001:db8::1]'],
  ])('%s', (text, aor, user, domain) => {
    expect(parseAddress(text)).toEqual({ aor, user, domain });
  });

  it.each(['', 'alice', 'alice@', '@example.com', 'a b@example.com', 'alice@example.com;x=1'])(
    'refuses %j',
    (text) => {
      expect(() => parseAddress(text)).toThrow(/no SIP address/);
    },
  );
});

describe('candidates', () => {
  const alice = parseAddress('alice@example.com');

  it('begin with TLS, and try UDP last', () => {
    expect(candidates(alice, undefined).map(({ label }) => label)).toEqual([
      'TLS',
      'as DNS says',
      'TCP',
      'UDP',
    ]);
  });

  it('go to the server that was named', () => {
    expect(candidates(alice, 'pbx:5070')[3]?.proxy).toBe('sip:pbx:5070;transport=udp;lr');
    expect(candidates(alice, 'sip:pbx;transport=tcp').map(({ proxy }) => proxy)).toEqual([
      'sip:pbx;transport=tcp',
    ]);
  });

  it('never leave TLS for a sips: address', () => {
    const sips = parseAddress('sips:alice@example.com');
    expect(candidates(sips, undefined).map(({ label }) => label)).toEqual(['TLS']);
  });
});

describe('configText', () => {
  it('is a configuration that the phone reads, whatever is in a name', () => {
    const text = configText({
      address: parseAddress('alice@example.com'),
      username: 'al"ice\\',
      displayName: 'Alice "A" \\ Ü\u0007',
      proxy: 'sip:pbx;transport=tcp;lr',
      passwordFile: 'password',
      channel: 'port:org.offhook.engine.0',
      tls: { verify: false, caFile: '/etc/ca.pem' },
    });
    expect(parseGuestConfig(text, '/home/a/config.toml')).toMatchObject({
      account: [
        {
          aor: 'sip:alice@example.com',
          username: 'al"ice\\',
          display_name: 'Alice "A" \\ Ü\u0007',
          outbound_proxy: 'sip:pbx;transport=tcp;lr',
          password_file: '/home/a/password',
        },
      ],
      engine: { channel: 'port:org.offhook.engine.0' },
      sip: { tls: { verify: false, ca: '/etc/ca.pem' } },
    });
  });

  it('says no more than it must', () => {
    const text = configText({
      address: parseAddress('alice@example.com'),
      username: 'alice',
      displayName: undefined,
      proxy: undefined,
      passwordFile: 'password',
      channel: undefined,
      tls: { verify: true, caFile: undefined },
    });
    expect(text.split('\n').filter((line) => /^[a-z[]/.test(line))).toEqual([
      '[[account]]',
      'aor = "sip:alice@example.com"',
      'password_file = "password"',
    ]);
  });
});
