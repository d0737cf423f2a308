import { describe, expect, test } from 'vitest';
import {
  digestResponse,
  formatNonceCount,
  hashHex,
  parseAlgorithm,
} from '../../src/auth/digest.ts';

/** RFC 7616 §3.9.1. */
const HTTP_EXAMPLE = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  nonceCount: 1,
  qop: 'auth',
  method: 'GET',
  uri: '/dir/index.html',
  body: '',
} as const;

describe('digest response', () => {
  test('is that of the example in RFC 2617 §3.5', () => {
    const response = digestResponse({
      algorithm: { hash: 'MD5', session: false },
      username: 'Mufasa',
      realm: 'testrealm@host.com',
      password: 'Circle Of Life',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      cnonce: '0a4f113b',
      nonceCount: 1,
      qop: 'auth',
      method: 'GET',
      uri: '/dir/index.html',
      body: '',
    });
    expect(response).toBe('6629fae49393a05397450978507c4ef1');
  });

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('with %s is that of RFC 7616 §3.9.1', (hash, expected) => {
    const algorithm = { hash, session: false };
    expect(digestResponse({ ...HTTP_EXAMPLE, algorithm })).toBe(expected);
  });

  test('without qop is that of RFC 2069', () => {
    const a1 = hashHex('MD5', 'Mufasa:testrealm@host.com:CircleOfLife');
    const a2 = hashHex('MD5', 'GET:/dir/index.html');
    const nonce = 'dcd98b7102dd2f0e8b11d0f600bfb0c093';
    const response = digestResponse({
      ...HTTP_EXAMPLE,
      algorithm: { hash: 'MD5', session: false },
      realm: 'testrealm@host.com',
      password: 'CircleOfLife',
      nonce,
      qop: undefined,
    });
    expect(response).toBe(hashHex('MD5', `${a1}:${nonce}:${a2}`));
    // The value that erratum 749 of RFC 2069 gives for its example.
    expect(response).toBe('1949323746fe6a43ef61f9606e7febea');
  });

  test('-sess binds the secret to both nonces', () => {
    const algorithm = { hash: 'SHA-512-256', session: true } as const;
    const h = (text: string): string => hashHex('SHA-512-256', text);
    const secret = h('Mufasa:http-auth@example.org:Circle of Life');
    const a1 = h(`${secret}:${HTTP_EXAMPLE.nonce}:${HTTP_EXAMPLE.cnonce}`);
    const a2 = h('GET:/dir/index.html');
    const { nonce, cnonce } = HTTP_EXAMPLE;
    expect(digestResponse({ ...HTTP_EXAMPLE, algorithm })).toBe(
      h(`${a1}:${nonce}:00000001:${cnonce}:auth:${a2}`),
    );
  });

  test('auth-int covers the body', () => {
    const algorithm = { hash: 'SHA-256', session: false } as const;
    const one = digestResponse({ ...HTTP_EXAMPLE, algorithm, qop: 'auth-int', body: 'v=0\r\n' });
    const h = (text: string): string => hashHex('SHA-256', text);
    const a1 = h('Mufasa:http-auth@example.org:Circle of Life');
    const a2 = h(`GET:/dir/index.html:${h('v=0\r\n')}`);
    const { nonce, cnonce } = HTTP_EXAMPLE;
    expect(one).toBe(h(`${a1}:${nonce}:00000001:${cnonce}:auth-int:${a2}`));
  });

  test('SHA-512-256 is SHA-512/256 of FIPS 180-4, not a truncated SHA-512', () => {
    expect(hashHex('SHA-512-256', 'abc')).toBe(
      '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23',
    );
  });

  test('the nonce count has eight hexadecimal digits', () => {
    expect(formatNonceCount(10)).toBe('0000000a');
  });

  test.each([
    [undefined, { hash: 'MD5', session: false }],
    ['md5', { hash: 'MD5', session: false }],
    ['SHA-256-SESS', { hash: 'SHA-256', session: true }],
    ['SHA-512-256', { hash: 'SHA-512-256', session: false }],
    ['SHA-1', undefined],
  ])('algorithm %s is read as %j', (text, expected) => {
    expect(parseAlgorithm(text)).toEqual(expected);
  });
});
