import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TraceEntry } from '../../src/api.ts';
import { maskMessage } from '../../src/transport/mask.ts';
import { bench, coreRequest, peer } from './support/bare-layer.ts';
import { request } from './support/messages.ts';

describe('a message for the eyes of people', () => {
  test.each([
    [
      'Authorization: Digest username="alice", realm="r", nonce="n", response="SECRET", cnonce="SECRET"',
    ],
    ['Proxy-Authorization: Digest username="alice",response=SECRET,nc=00000001'],
    ['authorization : Digest username="a",\r\n response="SECRET",\r\n\tcnonce="SECRET"'],
    ['Authorization: Digest response="SEC\\"RET"'],
    ['Authorization: Basic SECRET'],
    ['Authorization: Bearer SECRET'],
    ['Authentication-Info: nextnonce="SECRET", rspauth="SECRET"'],
    ['Contact: <sip:alice:SECRET@192.0.2.1>'],
  ])('%j hides its secret', (line) => {
    const masked = maskMessage(request({ headers: [line] }));
    expect(masked).not.toMatch(/SEC|RET/);
    expect(masked).toContain('***');
    expect(masked).toContain('Call-ID: call@test');
  });

  test('what is needed to follow a registration stays', () => {
    const line =
      'Authorization: Digest username="alice", realm="r", nonce="n", uri="sip:x", response="s"';
    expect(maskMessage(request({ headers: [line] }))).toContain(
      'Authorization: Digest username="alice", realm="r", nonce="n", uri="sip:x", response="***"',
    );
  });

  test.each([
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET+/=|2^20|1:32',
    'a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:SECRET;inline:SECRET|2^31 FEC_KEY=inline:SECRET',
    'k=base64:SECRET',
    'a=key-mgmt:mikey SECRET',
    'a=ice-pwd:SECRET',
    'Signal=SECRET',
    'Signal = SECRET',
  ])('the body line %j hides its secret', (line) => {
    const masked = maskMessage(request({ body: `v=0\r\n${line}\r\nm=audio 1 RTP/SAVP 8\r\n` }));
    expect(masked).not.toContain('SECRET');
    expect(masked).toContain('m=audio 1 RTP/SAVP 8');
  });

  test('a message without secrets is as it was', () => {
    const text = request({ body: 'v=0\r\na=rtpmap:8 PCMA/8000\r\n' });
    expect(maskMessage(text)).toBe(text);
  });

  test('no text takes long or throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(maskMessage(`Authorization: Digest ${text}\r\n\r\n${text}`)).toEqual(
          expect.any(String),
        );
      }),
    );
    const started = performance.now();
    maskMessage(`Authorization: Digest ${'response="\\'.repeat(20_000)}\r\n\r\n`);
    maskMessage(`${'sip:a'.repeat(12_000)}\r\n\r\n`);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('the trace of a layer', () => {
  test('shows every message with both ends, secrets masked, and no keep-alive', async () => {
    const entries: TraceEntry[] = [];
    const b = await bench({ trace: (entry) => entries.push(entry) });
    const far = peer(b);
    const headers = ['Authorization: Digest username="a", response="SECRET"'];
    await b.transport.send(coreRequest('OPTIONS', { headers }));
    far.send('\r\n\r\n');
    far.send(request());
    await b.clock.advance(600);
    await b.layer.close();
    expect(
      entries.map(({ direction, message }) => `${direction} ${message.split(' ')[0]}`),
    ).toEqual(['out OPTIONS', 'in OPTIONS', 'out OPTIONS']);
    expect(entries[0]).toMatchObject({
      transport: 'udp',
      local: `127.0.0.1:${b.port}`,
      remote: '127.0.0.1:7000',
    });
    expect(entries[0]?.message).toContain('response="***"');
  });
});
