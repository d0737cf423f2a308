import { ManualClock, OffhookError } from '@offhook/common';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { serviceName } from '../../src/model/terms.ts';
import { callBetween } from './fake-adapter.ts';
import { get, post, run, type Running } from './running.ts';

let running: Running;

afterEach(() => running.close());

describe('REST', () => {
  it('lists devices and calls', async () => {
    running = await run();
    running.adapter.tell(...callBetween('alice', 'bob', '1'));
    expect(await get(running, '/v1/devices', 'all')).toMatchObject({
      status: 200,
      body: { devices: [{ id: 'alice' }, { id: 'bob' }] },
    });
    expect(await get(running, '/v1/devices/alice', 'all')).toMatchObject({
      body: { device: { id: 'alice' }, calls: [{ id: 'pbx:1' }] },
    });
    expect(await get(running, `/v1/calls/${encodeURIComponent('pbx:1')}`, 'all')).toMatchObject({
      body: { id: 'pbx:1', connections: [{ device: 'alice' }, { device: 'bob' }] },
    });
    expect(await get(running, '/v1/snapshot', 'all')).toMatchObject({ body: { seq: 4 } });
  });

  it('has a service done, and writes down who asked', async () => {
    running = await run();
    const params = { device: 'alice', to: '600' };
    expect(await post(running, '/v1/services/makeCall', params, 'all')).toEqual({
      status: 200,
      body: { call: 'pbx:1', connection: 'pbx:1' },
    });
    expect(running.adapter.requests).toEqual([{ service: 'makeCall', params }]);
    expect(running.audited).toMatchObject([
      { who: 'all', service: 'makeCall', params, result: 'ok' },
    ]);
  });

  it.each([
    ['/v1/services/makeCall', { device: 'alice', to: '6;0' }, 400, 'invalid-params'],
    ['/v1/services/makeCall', { device: 'alice', to: '6\r\nAction: x' }, 400, 'invalid-params'],
    ['/v1/services/makeCall', { device: 'alice', to: '6', more: 1 }, 400, 'invalid-params'],
    ['/v1/services/makeCall', 'no json', 400, 'invalid-params'],
    ['/v1/services/makeCall', { device: 'zoe', to: '6' }, 404, 'no-such-device'],
    ['/v1/services/answerCall', { connection: 'pbx:9' }, 404, 'no-such-connection'],
    ['/v1/services/retrieveCall', { connection: 'pbx:1.1' }, 409, 'invalid-state'],
    ['/v1/services/nothing', {}, 404, 'not-found'],
  ])('POST %s %j is %i %s', async (path, body, status, code) => {
    running = await run();
    running.adapter.tell(...callBetween('alice', 'bob', '1'));
    expect(await post(running, path, body, 'all')).toMatchObject({ status, body: { code } });
    expect(running.adapter.requests).toEqual([]);
  });

  it('takes no body of any size', async () => {
    running = await run();
    const body = 'x'.repeat(70_000);
    const answer = await post(running, '/v1/services/makeCall', body, 'all');
    expect(answer).toMatchObject({ status: 413, body: { code: 'too-large' } });
  });

  it('says what the PBX said, and of what nobody foresaw only that', async () => {
    running = await run();
    running.adapter.answer = new OffhookError('cti', 'pbx-refused', 'the PBX said no');
    const params = { device: 'alice', to: '6' };
    expect(await post(running, '/v1/services/makeCall', params, 'all')).toMatchObject({
      status: 502,
      body: { title: 'the PBX said no' },
    });
    running.adapter.answer = new Error('internal: secret');
    const { status, body } = await post(running, '/v1/services/makeCall', params, 'all');
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('describes itself in OpenAPI 3.1, each service included', async () => {
    running = await run();
    const { body } = await get(running, '/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0' });
    const { paths } = body as { paths: Record<string, unknown> };
    for (const name of serviceName.options) expect(paths).toHaveProperty([`/v1/services/${name}`]);
  });

  it('tells whether it is alive and ready, and its figures', async () => {
    running = await run();
    expect((await get(running, '/healthz')).status).toBe(200);
    expect((await get(running, '/readyz')).status).toBe(200);
    running.adapter.down();
    expect(await get(running, '/readyz')).toMatchObject({ status: 503, body: { down: ['pbx'] } });
    const { body } = await get(running, '/metrics', 'all');
    expect(body).toContain('offhook_cti_devices 2');
    expect(body).toContain('offhook_cti_pbx_up{pbx="pbx"} 0');
    expect(body).toContain('offhook_cti_events_total');
  });

  it('serves a page that runs no script but its own', async () => {
    running = await run();
    const { body, headers } = await get(running, '/');
    expect(body).toContain('<script type="module" src="/page.js">');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await get(running, '/page.js')).body).toContain('subscribe');
  });
});

describe('who may what', () => {
  it.each([
    ['/v1/devices', undefined],
    ['/v1/devices', 'wrong'],
    ['/metrics', undefined],
    ['/v1/events', undefined],
  ])('GET %s with the token %s is 401', async (path, token) => {
    running = await run();
    const { status, headers } = await get(running, path, token);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });

  it('is shown its own devices, and the calls in which they are', async () => {
    running = await run({
      tokens: { alices: { devices: ['ali*'], scopes: ['monitor', 'control'] } },
    });
    running.adapter.tell(
      ...callBetween('alice', 'carol', '1'),
      ...callBetween('bob', 'carol', '2'),
    );
    const { body } = await get(running, '/v1/snapshot', 'alices');
    expect(body).toMatchObject({ devices: [{ id: 'alice' }] });
    expect((body as { connections: unknown[] }).connections).toHaveLength(2);
    expect((await get(running, '/v1/devices/bob', 'alices')).status).toBe(404);
    expect((await get(running, '/v1/calls/pbx:2', 'alices')).status).toBe(404);
  });

  it.each([
    ['makeCall', { device: 'bob', to: '6' }, 'forbidden'],
    ['silentMonitor', { device: 'alice', connection: 'pbx:1.1' }, 'forbidden'],
    ['clearCall', { call: 'pbx:1' }, 'forbidden'],
    ['makeCall', { device: 'alice', to: '6' }, undefined],
  ])('%s %j is %s for the owner of one device', async (service, params, code) => {
    running = await run({ tokens: { alices: { devices: ['alice'], scopes: ['control'] } } });
    running.adapter.tell(...callBetween('alice', 'bob', '1'));
    const { body } = await post(running, `/v1/services/${service}`, params, 'alices');
    expect((body as { code?: string }).code).toBe(code);
    expect(running.audited.at(-1)?.result).toBe(code ?? 'ok');
  });

  it('asks no more often than agreed', async () => {
    const clock = new ManualClock();
    running = await run({ perSecond: 2, clock });
    const ask = async () => (await get(running, '/v1/devices', 'all')).status;
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) statuses.push(await ask());
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
    await clock.advance(500);
    expect([await ask(), await ask()]).toEqual([200, 429]);
  });

  describe('by a token of an issuer', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });
    const jwt = {
      issuer: 'https://id.example.com',
      audience: 'offhook-cti',
      jwks_file: 'given',
      algorithms: ['ES256' as const],
      devices_claim: 'offhook_devices',
    };
    const sign = (
      more: { aud?: string; iss?: string; exp?: string; key?: typeof privateKey } = {},
    ) =>
      new SignJWT({ scope: 'openid cti:monitor', offhook_devices: ['alice'] })
        .setProtectedHeader({ alg: 'ES256' })
        .setSubject('alice@example.com')
        .setIssuer(more.iss ?? jwt.issuer)
        .setAudience(more.aud ?? jwt.audience)
        .setExpirationTime(more.exp ?? '1h')
        .sign(more.key ?? privateKey);

    it('is who the token says, with the rights that it says', async () => {
      running = await run({ jwt, keySet });
      const token = await sign();
      expect(await get(running, '/v1/devices', token)).toMatchObject({
        status: 200,
        body: { devices: [{ id: 'alice' }] },
      });
      const params = { device: 'alice', to: '6' };
      expect((await post(running, '/v1/services/makeCall', params, token)).status).toBe(403);
    });

    it.each([
      ['has expired', () => sign({ exp: '-1m' })],
      ['is for somebody else', () => sign({ aud: 'other' })],
      ['is of another issuer', () => sign({ iss: 'https://evil.example.com' })],
      [
        'is signed by somebody else',
        async () => {
          const other = await generateKeyPair('ES256');
          return sign({ key: other.privateKey });
        },
      ],
      [
        'is not signed at all',
        async () => {
          const [, payload = ''] = (await sign()).split('.');
          return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
        },
      ],
    ])('is nobody when it %s', async (_, token) => {
      running = await run({ jwt, keySet });
      expect((await get(running, '/v1/devices', await token())).status).toBe(401);
    });

    it('is nobody any more once it expires while events come', async () => {
      const clock = new ManualClock(Date.now());
      running = await run({ jwt, keySet, clock });
      const headers = { Authorization: `Bearer ${await sign({ exp: '1h' })}` };
      const response = await fetch(`${running.url}/v1/events`, { headers });
      expect(response.status).toBe(200);
      await clock.advance(2 * 3600 * 1000);
      // The stream ends by itself.
      await expect(response.text()).resolves.toContain('event: snapshot');
    });
  });
});
