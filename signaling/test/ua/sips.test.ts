import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { UserAgent } from '../../src/api.ts';
import { createUserAgent } from '../../src/index.ts';
import { certificateAuthority, type Authority } from '../transport/support/certificates.ts';
import { bench, OUR, ScriptedAgent, sdp, virtualTime } from './support/bench.ts';
import { eventually, RawPeer } from './support/raw-peer.ts';

let authority: Authority;
const open: UserAgent[] = [];

beforeAll(() => {
  authority = certificateAuthority();
});
afterAll(() => authority.dispose());
afterEach(async () => {
  await Promise.all(open.splice(0).map((ua) => ua.close()));
});

async function overTls(): Promise<UserAgent> {
  const ua = await createUserAgent({
    listen: [{ transport: 'tls', address: '127.0.0.1', port: 0 }],
    tls: { ...authority.issue(['IP:127.0.0.1']), ca: authority.ca },
  });
  open.push(ua);
  return ua;
}

describe('a SIPS URI (RFC 5630)', () => {
  it('is called over TLS, and served there', async () => {
    const [alice, bob] = [await overTls(), await overTls()];
    const callee = bob.addAccount({ aor: 'sips:bob@127.0.0.1', register: false });
    callee.on('incoming', (call) => {
      call.useAgent(new ScriptedAgent('bob'));
      void call.answer();
    });
    const caller = alice.addAccount({ aor: 'sips:alice@127.0.0.1', register: false });
    const target = `sips:bob@127.0.0.1:${bob.listening[0]?.port}`;
    const call = caller.invite(target, new ScriptedAgent());
    await expect.poll(() => call.state).toBe('established');
    await call.hangup();
  });
});

describe('a SIPS URI without TLS (RFC 5630)', () => {
  virtualTime();

  it('is not called through a proxy without TLS', async () => {
    const { account, network, agent } = await bench({
      account: { outboundProxy: 'sip:192.0.2.20' },
    });
    const proxy = await RawPeer.on(network, '192.0.2.20');
    const call = account.invite('sips:bob@example.com', agent);
    await eventually('the end', () => call.end !== undefined);
    expect(call.end?.reason).toContain('sips:bob@example.com is for TLS');
    expect(proxy.inbox).toEqual([]);
  });

  it.each(['INVITE', 'OPTIONS', 'MESSAGE'])(
    'is refused in a %s that came by UDP',
    async (method) => {
      const { peer, incoming } = await bench();
      peer.request(OUR, method, { uri: 'sips:alice@example.com', body: sdp('peer') });
      await peer.expect('SIP/2.0 416');
      expect(incoming).toEqual([]);
    },
  );
});
