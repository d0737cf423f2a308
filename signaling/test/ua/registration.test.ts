import { describe, expect, it } from 'vitest';
import type { RegistrationState } from '../../src/api.ts';
import { bench, OUR, ScriptedAgent, virtualTime } from './support/bench.ts';
import { elapse, eventually, RawPeer, settled, type Got } from './support/raw-peer.ts';

virtualTime();

const registered = {
  account: {
    register: true,
    registrars: ['sip:192.0.2.2'],
    credentials: [{ username: 'alice', password: () => Promise.resolve('secret') }],
  },
} as const;

function accept(peer: RawPeer, request: Got, seconds = 300): void {
  const contact = request.headers('Contact')[0]?.replace(/;expires=\d+/, '') ?? '';
  peer.reply(request, '200 OK', { headers: [`Contact: ${contact};expires=${seconds}`] });
}

const CHALLENGE = 'WWW-Authenticate: Digest realm="pbx", nonce="abc", algorithm=MD5, qop="auth"';

describe('a registration', () => {
  it('answers the challenge, counts the CSeq up and says until when it is registered', async () => {
    const { account, peer } = await bench(registered);
    const first = await peer.expect('REGISTER');
    expect(first.start).toBe('REGISTER sip:192.0.2.2 SIP/2.0');
    peer.reply(first, '401 Unauthorized', { headers: [CHALLENGE] });
    const second = await peer.expect('REGISTER');
    expect(second.cseq).toBe(first.cseq + 1);
    expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
    expect(second.header('Authorization')).toContain('username="alice"');
    accept(peer, second, 120);
    await eventually('registered', () => account.registration.state === 'registered');
    expect(account.registration).toMatchObject({ registrar: 'sip:192.0.2.2' });
  });

  it('refreshes before it expires', async () => {
    const { peer } = await bench(registered);
    accept(peer, await peer.expect('REGISTER'), 100);
    await elapse(49_000);
    expect(peer.count('REGISTER')).toBe(0);
    await elapse(26_000);
    expect(peer.count('REGISTER')).toBe(1);
  });

  it('asks for the Min-Expires of a 423', async () => {
    const { peer } = await bench(registered);
    const first = await peer.expect('REGISTER');
    expect(first.header('Expires')).toBe('300');
    peer.reply(first, '423 Interval Too Brief', { headers: ['Min-Expires: 1800'] });
    expect((await peer.expect('REGISTER')).header('Expires')).toBe('1800');
  });

  it('stops at a wrong password and says so', async () => {
    const { account, peer } = await bench(registered);
    peer.reply(await peer.expect('REGISTER'), '401 Unauthorized', { headers: [CHALLENGE] });
    peer.reply(await peer.expect('REGISTER'), '401 Unauthorized', {
      headers: [CHALLENGE.replace('abc', 'def')],
    });
    await eventually('the failure', () => account.registration.state === 'failed');
    expect(account.registration).toEqual({
      state: 'failed',
      status: 401,
      reason: 'wrong user name or password',
    });
    await elapse(4_000_000);
    expect(peer.count('REGISTER')).toBe(0);
  });

  it('goes to the next registrar when one does not answer', async () => {
    const { account, network } = await bench({
      account: { register: true, registrars: ['sip:192.0.2.7', 'sip:192.0.2.8'] },
    });
    const second = await RawPeer.on(network, '192.0.2.8');
    accept(second, await second.expect('REGISTER', 40_000));
    await eventually('registered', () => account.registration.state === 'registered');
    expect(account.registration).toMatchObject({ registrar: 'sip:192.0.2.8' });
  });

  it('backs off further after each round of failures', async () => {
    const { account, peer } = await bench(registered);
    const states: RegistrationState[] = [];
    account.on('registration', (state) => states.push(state));
    for (let round = 0; round < 3; round += 1) {
      peer.reply(await peer.expect('REGISTER', 60_000), '500 Server Error');
      await eventually('the failure', () => states.length > 0 && states.at(-1)?.state === 'failed');
      const last = states.at(-1);
      const wait = last?.state === 'failed' ? (last.retryAt ?? 0) - Date.now() : 0;
      // Jitter of a half draws three quarters of 8, 16 and 32 s.
      expect(wait / 1000).toBeCloseTo([6, 12, 24][round] ?? 0, 1);
      states.length = 0;
    }
  });

  it('obeys Retry-After', async () => {
    const { account, peer } = await bench(registered);
    peer.reply(await peer.expect('REGISTER'), '500 Later', { headers: ['Retry-After: 90'] });
    await eventually('the failure', () => account.registration.state === 'failed');
    await elapse(89_000);
    expect(peer.count('REGISTER')).toBe(0);
    await elapse(2000);
    expect(peer.count('REGISTER')).toBe(1);
  });

  it('removes what an earlier life of this phone left, and nothing else', async () => {
    const { account, peer } = await bench(registered);
    const request = await peer.expect('REGISTER');
    const own = request.header('Contact').replace(/;expires=\d+/, '');
    const instance = /\+sip\.instance="[^"]*"/.exec(own)?.[0] ?? '';
    const mark = /;oh=(\w+)/.exec(own)?.[1] ?? '';
    peer.reply(request, '200 OK', {
      headers: [
        `Contact: ${own};expires=300`,
        `Contact: <sip:alice@192.0.2.1:9999>;${instance};expires=200`,
        `Contact: <sip:alice@198.51.100.3:5060;oh=${mark}>;expires=200`,
        'Contact: <sip:alice@192.0.2.77:5060>;expires=200',
      ],
    });
    const removal = await peer.expect('REGISTER');
    expect(removal.headers('Contact')).toEqual([
      '<sip:alice@192.0.2.1:9999>;expires=0',
      `<sip:alice@198.51.100.3:5060;oh=${mark}>;expires=0`,
    ]);
    peer.reply(removal, '200 OK');
    await eventually('registered', () => account.registration.state === 'registered');
  });

  it('makes room where one contact is allowed and an earlier life has it', async () => {
    const { account, peer } = await bench(registered);
    const first = await peer.expect('REGISTER');
    const mark = /;oh=(\w+)/.exec(first.header('Contact'))?.[1] ?? '';
    peer.reply(first, '403 Too Many Contacts');
    const query = await peer.expect('REGISTER');
    expect(query.headers('Contact')).toEqual([]);
    const stale = `<sip:alice@192.0.2.1:9999;oh=${mark}>`;
    peer.reply(query, '200 OK', { headers: [`Contact: ${stale};expires=99`] });
    const removal = await peer.expect('REGISTER');
    expect(removal.headers('Contact')).toEqual([`${stale};expires=0`]);
    peer.reply(removal, '200 OK');
    accept(peer, await peer.expect('REGISTER'));
    await eventually('registered', () => account.registration.state === 'registered');
  });

  it('is tried again later when the registrar falls silent while room is made', async () => {
    const { account, peer } = await bench(registered);
    const first = await peer.expect('REGISTER');
    const mark = /;oh=(\w+)/.exec(first.header('Contact'))?.[1] ?? '';
    peer.reply(first, '403 Too Many Contacts');
    const stale = `<sip:alice@192.0.2.1:9999;oh=${mark}>`;
    peer.reply(await peer.expect('REGISTER'), '200 OK', {
      headers: [`Contact: ${stale};expires=99`],
    });
    expect((await peer.expect('REGISTER')).headers('Contact')).toEqual([`${stale};expires=0`]);
    await elapse(33_000);
    expect(account.registration).toMatchObject({ state: 'failed', status: 0 });
    peer.inbox.splice(0);
    await elapse(10_000);
    expect(peer.count('REGISTER')).toBeGreaterThan(0);
  });

  it('registers the address that the registrar sees, in place of the one inside (RFC 3581)', async () => {
    const { network, account, peer } = await bench({
      account: { ...registered.account, register: false },
    });
    network.translate(OUR, { address: '203.0.113.5', port: 61_000 });
    const outcome = account.register();
    const inside = await peer.expect('REGISTER');
    expect(inside.contact).toMatch(/^sip:alice@192\.0\.2\.1:5060;/);
    accept(peer, inside);
    const outside = await peer.expect('REGISTER');
    expect(outside.headers('Contact')).toEqual([
      expect.stringMatching(/^<sip:alice@203\.0\.113\.5:61000;oh=\w+>;\+sip\.instance=/),
      `<${inside.contact}>;expires=0`,
    ]);
    accept(peer, outside);
    await settled('registered', outcome);
    const call = account.invite(peer.uri, new ScriptedAgent());
    expect((await peer.expect('INVITE')).contact).toBe(outside.contact);
    expect(call.state).toBe('trying');
  });

  it('stays registered where the registrar sees through the NAT and lists what was said first', async () => {
    const { network, account, peer } = await bench({
      account: { ...registered.account, register: false },
    });
    network.translate(OUR, { address: '203.0.113.5', port: 61_000 });
    const outcome = account.register();
    const inside = await peer.expect('REGISTER');
    const listed = { headers: [`Contact: <${inside.contact}>;expires=300`] };
    peer.reply(inside, '200 OK', listed);
    // As Asterisk does with rewrite_contact.
    peer.reply(await peer.expect('REGISTER'), '200 OK', listed);
    await settled('registered', outcome);
    await elapse(1000);
    expect(peer.count('REGISTER')).toBe(0);
    expect(account.registration.state).toBe('registered');
  });

  it('unregisters when it is told to, and when the user agent closes', async () => {
    const { ua, account, peer } = await bench(registered);
    accept(peer, await peer.expect('REGISTER'));
    await eventually('registered', () => account.registration.state === 'registered');
    const closing = ua.close();
    const bye = await peer.expect('REGISTER');
    expect(bye.header('Contact')).toMatch(/;expires=0$/);
    peer.reply(bye, '200 OK');
    await settled('closed', closing);
  });
});
