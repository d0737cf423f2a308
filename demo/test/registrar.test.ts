import { createHash } from 'node:crypto';
import { ManualClock } from '@offhook/common';
import type { ServedRequest } from '@offhook/signaling';
import { beforeEach, describe, expect, it } from 'vitest';

import { DigestGate } from '../src/pbx/digest.ts';
import { Registrar } from '../src/pbx/registrar.ts';

const REALM = 'demo';

let clock: ManualClock;
let registrar: Registrar;

beforeEach(() => {
  clock = new ManualClock();
  const gate = new DigestGate({ realm: REALM, passwords: new Map([['alice', 'secret']]), clock });
  registrar = new Registrar({ gate, clock });
});

function request(headers: Record<string, string | string[]>): ServedRequest {
  const all: Record<string, string | string[]> = {
    To: '<sip:alice@demo>',
    'Call-ID': 'c1',
    CSeq: '1 REGISTER',
    ...headers,
  };
  return {
    method: 'REGISTER',
    uri: 'sip:demo',
    from: { uri: 'sip:alice@demo' },
    to: { uri: 'sip:alice@demo' },
    headers: (name) => [all[name] ?? []].flat(),
    body: undefined,
    source: { transport: 'udp', address: '127.0.0.1', port: 5060 },
  };
}

function answerTo(challenge: string, user = 'alice', password = 'secret'): string {
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const algorithm = /algorithm=(\S+?)(,|$)/.exec(challenge)?.[1] ?? '';
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const secret = hash(`${user}:${REALM}:${password}`);
  const response = hash(`${secret}:${nonce}:00000001:abc:auth:${hash('REGISTER:sip:demo')}`);
  return (
    `Digest username="${user}", realm="${REALM}", nonce="${nonce}", uri="sip:demo", ` +
    `response="${response}", cnonce="abc", nc=00000001, qop=auth, algorithm=${algorithm}`
  );
}

function challenges(): readonly string[] {
  return registrar.register(request({})).headers ?? [];
}

function register(headers: Record<string, string | string[]>, challenge = challenges()[0] ?? '') {
  return registrar.register(request({ Authorization: answerTo(challenge), ...headers }));
}

describe('a registrar', () => {
  it('challenges, and offers SHA-256 before MD5', () => {
    const answer = registrar.register(request({ Contact: '<sip:alice@127.0.0.1:5070>' }));
    expect(answer.status).toBe(401);
    expect(answer.headers).toHaveLength(2);
    expect(answer.headers?.[0]).toContain('algorithm=SHA-256');
    expect(registrar.contacts('alice')).toEqual([]);
  });

  it.each([0, 1])('binds a contact after the right answer to challenge %i', (which) => {
    const answer = register(
      { Contact: '<sip:alice@127.0.0.1:5070;transport=tcp>', Expires: '60' },
      challenges()[which],
    );
    expect(answer).toEqual({
      status: 200,
      headers: ['Contact: <sip:alice@127.0.0.1:5070;transport=tcp>;expires=60'],
    });
    expect(registrar.contacts('alice')).toEqual(['sip:alice@127.0.0.1:5070;transport=tcp']);
  });

  it('challenges again after a wrong password', () => {
    const wrong = answerTo(challenges()[0] ?? '', 'alice', 'guess');
    expect(registrar.register(request({ Authorization: wrong })).status).toBe(401);
  });

  it('says that a nonce was too old, when only that was wrong', async () => {
    const [challenge = ''] = challenges();
    await clock.advance(301_000);
    const answer = register({}, challenge);
    expect(answer.status).toBe(401);
    expect(answer.headers?.[0]).toContain('stale=true');
  });

  it('takes no nonce that it has not made', () => {
    const forged = (challenges()[0] ?? '').replace(/nonce="([^.]+)\./, 'nonce="zzzzzzzz.');
    expect(register({}, forged).status).toBe(401);
  });

  it("refuses to bind another user's address", () => {
    expect(register({ To: '<sip:bob@demo>' }).status).toBe(403);
  });

  it('forgets a contact when its time is over', async () => {
    register({ Contact: '<sip:alice@127.0.0.1:5070>;expires=30' });
    await clock.advance(30_001);
    expect(registrar.contacts('alice')).toEqual([]);
  });

  it('removes a contact, or all of them', () => {
    register({ Contact: ['<sip:alice@127.0.0.1:1>', '<sip:alice@127.0.0.1:2>'] });
    register({ CSeq: '2 REGISTER', Contact: '<sip:alice@127.0.0.1:1>;expires=0' });
    expect(registrar.contacts('alice')).toEqual(['sip:alice@127.0.0.1:2']);
    register({ CSeq: '3 REGISTER', Contact: '*', Expires: '0' });
    expect(registrar.contacts('alice')).toEqual([]);
  });

  it('refuses "*" that does not remove', () => {
    expect(register({ Contact: '*' }).status).toBe(400);
  });

  it('refuses a request of the same registration that is out of order', () => {
    register({ CSeq: '5 REGISTER', Contact: '<sip:alice@127.0.0.1:1>' });
    const late = register({ CSeq: '4 REGISTER', Contact: '<sip:alice@127.0.0.1:1>;expires=0' });
    expect(late.status).toBe(500);
    expect(registrar.contacts('alice')).toHaveLength(1);
  });

  it('keeps a bounded number of contacts', () => {
    const Contact = Array.from({ length: 11 }, (_, index) => `<sip:alice@127.0.0.1:${index + 1}>`);
    expect(register({ Contact }).status).toBe(403);
  });
});
