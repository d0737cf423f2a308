import { describe, expect, it } from 'vitest';
import { formatChannelAddress, parseChannelAddress } from '../src/index.ts';

describe('channel addresses', () => {
  it.each([
    ['unix:/run/user/1/engine.sock', { transport: 'unix', path: '/run/user/1/engine.sock' }],
    ['tcp:127.0.0.1:5000', { transport: 'tcp', host: '127.0.0.1', port: 5000 }],
    ['tcp:[::1]:0', { transport: 'tcp', host: '::1', port: 0 }],
    ['tls:engine.example.com:5061', { transport: 'tls', host: 'engine.example.com', port: 5061 }],
    ['tls:[fe80::1%eth0]:5061', { transport: 'tls', host: 'fe80::1%eth0', port: 5061 }],
  ])('%s is read and written', (text, address) => {
    expect(parseChannelAddress(text)).toEqual(address);
    expect(formatChannelAddress(parseChannelAddress(text))).toBe(text);
  });

  it.each([
    '',
    'unix:',
    'unix:relative.sock',
    'unix:/a\0b',
    'tcp:5000',
    'tcp:host',
    'tcp:::1:5000',
    'tcp:host:70000',
    'tcp:host:',
    'spice:host:1',
    '/run/engine.sock',
  ])('%j is refused with the forms there are', (text) => {
    expect(() => parseChannelAddress(text)).toThrow(
      expect.objectContaining({
        layer: 'channel',
        code: 'invalid-address',
        remedy: expect.stringContaining('unix:/PATH'),
      }),
    );
  });
});
