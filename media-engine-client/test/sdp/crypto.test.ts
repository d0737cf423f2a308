import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCrypto, keySaltLength, maskKeys, parseCrypto } from '../../src/sdp/crypto.ts';

const key30 = Buffer.alloc(30, 7).toString('base64');
const key46 = Buffer.alloc(46, 9).toString('base64');
const suite = 'AES_CM_128_HMAC_SHA1_80';

describe('a=crypto', () => {
  it('reads the suites that are spoken here, with their key lengths', () => {
    expect(parseCrypto(`1 ${suite} inline:${key30}`)).toEqual({ tag: 1, suite, key: key30 });
    expect(parseCrypto(`2 AES_CM_128_HMAC_SHA1_32 inline:${key30}`)?.tag).toBe(2);
    expect(parseCrypto(`7 AES_256_CM_HMAC_SHA1_80 inline:${key46}`)?.key).toBe(key46);
    expect(parseCrypto(`7 AES_256_CM_HMAC_SHA1_80 inline:${key46.replace(/=+$/u, '')}`)?.key).toBe(
      key46,
    );
  });

  it('takes a lifetime that outlasts a call and the window size hint', () => {
    expect(parseCrypto(`1 ${suite} inline:${key30}|2^31`)).toBeDefined();
    expect(parseCrypto(`1 ${suite} inline:${key30}|2^20`)).toBeDefined();
    expect(parseCrypto(`1 ${suite} inline:${key30}|281474976710656`)).toBeDefined();
    expect(parseCrypto(`1 ${suite} inline:${key30} WSH=128`)).toBeDefined();
  });

  it.each([
    ['an MKI', `1 ${suite} inline:${key30}|2^20|1:4`],
    ['an MKI without lifetime', `1 ${suite} inline:${key30}|1:4`],
    ['several keys', `1 ${suite} inline:${key30};inline:${key30}`],
    ['a lifetime too short', `1 ${suite} inline:${key30}|2^10`],
    ['a lifetime too long', `1 ${suite} inline:${key30}|2^49`],
    ['a lifetime of zero', `1 ${suite} inline:${key30}|0`],
    ['a key of the wrong length', `1 ${suite} inline:${key46}`],
    ['an AES-256 key of 30 bytes', `1 AES_256_CM_HMAC_SHA1_80 inline:${key30}`],
    ['characters outside base64', `1 ${suite} inline:${'!'.repeat(40)}`],
    ['no key', `1 ${suite} inline:`],
    ['another key method', `1 ${suite} uri:${key30}`],
    ['an unknown suite', `1 F8_128_HMAC_SHA1_80 inline:${key30}`],
    ['a tag of zero', `0 ${suite} inline:${key30}`],
    ['a tag that is no number', `x ${suite} inline:${key30}`],
    ['SRTP without encryption', `1 ${suite} inline:${key30} UNENCRYPTED_SRTP`],
    ['SRTCP without encryption', `1 ${suite} inline:${key30} UNENCRYPTED_SRTCP`],
    ['SRTP without authentication', `1 ${suite} inline:${key30} UNAUTHENTICATED_SRTP`],
    ['another key derivation rate', `1 ${suite} inline:${key30} KDR=4`],
    ['nothing', ''],
  ])('passes over a line with %s', (_what, value) => {
    expect(parseCrypto(value)).toBeUndefined();
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(keySaltLength) as (keyof typeof keySaltLength)[])),
        fc.integer({ min: 1, max: 99_999 }),
        fc.uint8Array({ minLength: 46, maxLength: 46 }),
        (name, tag, bytes) => {
          const key = Buffer.from(bytes.subarray(0, keySaltLength[name])).toString('base64');
          const line = { tag, suite: name, key };
          expect(parseCrypto(formatCrypto(line))).toEqual(line);
        },
      ),
    );
  });

  it('hides keys and nothing else', () => {
    const sdp = `a=ptime:20\r\na=crypto:1 ${suite} inline:${key30}|2^31\r\na=sendrecv\r\n`;
    expect(maskKeys(sdp)).toBe(`a=ptime:20\r\na=crypto:1 ${suite} inline:*\r\na=sendrecv\r\n`);
  });
});
