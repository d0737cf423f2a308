import { afterEach, describe, expect, it } from 'vitest';
import type { TransportName, UserAgent } from '../../src/api.ts';
import type { CallEnd, SipCall } from '../../src/call-api.ts';
import { createUserAgent } from '../../src/index.ts';
import { ScriptedAgent } from './support/bench.ts';
import { freePort, sipp, untilTaken } from './support/sipp.ts';

const agents: UserAgent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((ua) => ua.close()));
});

async function userAgent(transport: TransportName, address: string): Promise<UserAgent> {
  const ua = await createUserAgent({ listen: [{ transport, address, port: 0 }] });
  agents.push(ua);
  return ua;
}

function ended(call: SipCall): Promise<CallEnd> {
  return new Promise((resolve) => {
    if (call.end !== undefined) resolve(call.end);
    call.on('ended', resolve);
  });
}

const places = [
  { transport: 'udp', address: '127.0.0.1', mode: 'u1' },
  { transport: 'tcp', address: '127.0.0.1', mode: 't1' },
  { transport: 'udp', address: '::1', mode: 'u1' },
] as const;

const LOGIN_REGISTRAR = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="registrar">
  <recv request="REGISTER"/>
  <send><![CDATA[
    SIP/2.0 401 Unauthorized
    [last_Via:]
    [last_From:]
    [last_To:];tag=1
    [last_Call-ID:]
    [last_CSeq:]
    WWW-Authenticate: Digest realm="sipp", nonce="47ebe028cda119c35d4877b383027d28da013815", algorithm=MD5, qop="auth"
    Content-Length: 0

  ]]></send>
  <recv request="REGISTER">
    <action><verifyauth assign_to="ok" username="alice" password="secret"/></action>
  </recv>
  <nop next="1" test="ok"/>
  <send next="2"><![CDATA[
    SIP/2.0 403 Wrong
    [last_Via:]
    [last_From:]
    [last_To:];tag=1
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
  <label id="1"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=1
    [last_Call-ID:]
    [last_CSeq:]
    [last_Contact:]
    Content-Length: 0

  ]]></send>
  <label id="2"/>
</scenario>
`;

describe('with SIPp as the far end', () => {
  it.each(places)('takes its calls over $transport at $address', async (place) => {
    const ua = await userAgent(place.transport, place.address);
    const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false });
    const ends: CallEnd[] = [];
    account.on('incoming', (call) => {
      call.useAgent(new ScriptedAgent());
      call.on('ended', (end) => ends.push(end));
      void call.answer();
    });
    const port = ua.listening[0]?.port ?? 0;
    const { code, output } = await sipp({
      scenario: 'uac',
      address: place.address,
      port: await freePort(place.address),
      remote: { port, user: 'alice' },
      calls: 20,
      arguments: ['-t', place.mode, '-r', '20', '-d', '100'],
    });
    expect(code === 0 ? '' : output).toBe('');
    expect(ends).toHaveLength(20);
    expect(new Set(ends.map(({ by, status }) => `${by} ${status}`))).toEqual(
      new Set(['remote 200']),
    );
  });

  it.each(places)('places calls to it over $transport at $address', async (place) => {
    const ua = await userAgent(place.transport, place.address);
    const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false });
    const port = await freePort(place.address);
    const far = sipp({
      scenario: 'uas',
      address: place.address,
      port,
      calls: 1,
      arguments: ['-t', place.mode],
    });
    const host = place.address.includes(':') ? `[${place.address}]` : place.address;
    const target = `sip:service@${host}:${port};transport=${place.transport}`;
    await untilTaken(place.transport, port);
    const call = account.invite(target, new ScriptedAgent());
    await Promise.race([
      new Promise<void>((resolve) => call.on('established', () => resolve())),
      ended(call),
    ]);
    expect([call.state, call.end]).toEqual(['established', undefined]);
    await call.hangup();
    const { code, output } = await far;
    expect(code === 0 ? '' : output).toBe('');
    expect(await ended(call)).toMatchObject({ by: 'local', status: 200 });
  });

  it('logs in with a digest that it verifies', async () => {
    const address = '127.0.0.1';
    const ua = await userAgent('udp', address);
    const port = await freePort(address);
    const far = sipp({ scenario: LOGIN_REGISTRAR, address, port, calls: 1 });
    const account = ua.addAccount({
      aor: 'sip:alice@sipp',
      registrars: [`sip:${address}:${port}`],
      register: false,
      credentials: [{ username: 'alice', password: () => Promise.resolve('secret') }],
    });
    await untilTaken('udp', port);
    await account.register();
    expect(account.registration.state).toBe('registered');
    const { code, output } = await far;
    expect(code === 0 ? '' : output).toBe('');
  });
});
