import assert from 'node:assert/strict';
import { digestFault } from '../infra/digest.ts';
import { digestFields, header, type SipMessage } from '../infra/sip-message.ts';
import { PASSWORD } from '../runner/lane.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import type { RequirementId } from '../runner/requirements.ts';
import { hangUp, place } from './steps.ts';

const NONCE = 'dcd98b7102dd2f0e8b11d0f600bfb0c093';

function challenge(parameters: Readonly<Record<string, string>>): string {
  const fields = { realm: 'example.test', nonce: NONCE, ...parameters };
  const quoted = new Set(['realm', 'nonce', 'opaque', 'qop', 'domain']);
  const list = Object.entries(fields).map(([name, value]) =>
    quoted.has(name) ? `${name}="${value}"` : `${name}=${value}`,
  );
  return `Digest ${list.join(', ')}`;
}

function assertProof(
  message: SipMessage | undefined,
  field: 'authorization' | 'proxy-authorization',
  realm?: string,
): void {
  assert.ok(message !== undefined, 'no second request');
  const who = { field, username: 'alice', password: PASSWORD };
  assert.equal(digestFault(message, realm === undefined ? who : { ...who, realm }), undefined);
}

const VARIANTS: readonly (readonly [string, RequirementId, Readonly<Record<string, string>>])[] = [
  [
    'md5',
    'auth.md5',
    { algorithm: 'MD5', qop: 'auth', opaque: '5ccc069c403ebaf9f0171e9517f40e41' },
  ],
  ['md5-no-qop', 'auth.md5-no-qop', {}],
  ['md5-sess', 'auth.sess', { algorithm: 'MD5-sess', qop: 'auth' }],
  ['md5-auth-int', 'auth.auth-int', { algorithm: 'MD5', qop: 'auth-int' }],
  ['sha256', 'auth.sha256', { algorithm: 'SHA-256', qop: 'auth' }],
  ['sha256-sess', 'auth.sess', { algorithm: 'SHA-256-sess', qop: 'auth,auth-int' }],
  ['sha256-auth-int', 'auth.auth-int', { algorithm: 'SHA-256', qop: 'auth-int' }],
];

function variant([name, requirement, parameters]: (typeof VARIANTS)[number]): Scenario[] {
  return scenario({
    id: `auth-${name}`,
    title: `A proxy challenges the INVITE: ${name}`,
    requirements: [requirement],
    over: [name.startsWith('sha') ? 'tcp' : 'udp'],
    async run(stage) {
      const placed = await place(stage, 'uas-auth.xml', {
        keys: { challenge: challenge(parameters) },
      });
      await stage.phone.becomes(placed.call, 'established');
      const [first, second] = placed.sipp.received('INVITE');
      assertProof(second, 'proxy-authorization');
      const numbers = [first, second].map((one) =>
        Number.parseInt(one === undefined ? '' : (header(one, 'cseq') ?? ''), 10),
      );
      assert.equal(numbers[1], (numbers[0] ?? 0) + 1, 'the CSeq goes up by one');
      await hangUp(stage, placed);
    },
  });
}

export const authentication = [
  ...VARIANTS.flatMap(variant),
  ...scenario({
    id: 'auth-lossy',
    title: 'A challenged call over a lossy network',
    requirements: ['auth.md5', 'net.loss'],
    over: ['lossy'],
    deadline: 90_000,
    async run(stage) {
      const placed = await place(stage, 'uas-auth.xml', {
        keys: { challenge: challenge({ algorithm: 'MD5', qop: 'auth' }) },
      });
      await stage.phone.becomes(placed.call, 'established', 40_000);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'auth-several-challenges',
    title: 'A proxy offers SHA-256 and MD5, then the called party asks too',
    requirements: ['auth.strongest', 'auth.proxy-and-uas'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-auth-two.xml', {
        keys: {
          challenge: challenge({ realm: 'proxy.test', algorithm: 'SHA-256', qop: 'auth' }),
          challenge2: challenge({ realm: 'proxy.test', algorithm: 'MD5', qop: 'auth' }),
          challenge3: challenge({
            realm: 'bob.test',
            nonce: 'another',
            algorithm: 'MD5',
            qop: 'auth',
          }),
        },
      });
      await stage.phone.becomes(placed.call, 'established');
      const last = placed.sipp.received('INVITE').at(-1);
      assertProof(last, 'proxy-authorization', 'proxy.test');
      assertProof(last, 'authorization', 'bob.test');
      const given = digestFields(
        last === undefined ? '' : (header(last, 'proxy-authorization') ?? ''),
      );
      assert.equal(given['algorithm']?.toUpperCase(), 'SHA-256');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'auth-unknown-algorithm-first',
    title: 'A challenge that nobody understands is passed over for the next one',
    requirements: ['auth.strongest'],
    async run(stage) {
      const placed = await place(stage, 'uas-auth.xml', {
        keys: {
          challenge: `${challenge({ algorithm: 'SHA-999', qop: 'auth' })}, ${challenge({ algorithm: 'MD5', qop: 'auth' })}`,
        },
      });
      await stage.phone.becomes(placed.call, 'established');
      assertProof(placed.sipp.received('INVITE')[1], 'proxy-authorization');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'auth-wrong-password',
    title: 'Refused credentials are not sent again, and the person is told',
    requirements: ['auth.wrong'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-auth-refuse.xml', {
        pauses: 600,
        keys: {
          challenge: challenge({ algorithm: 'MD5', qop: 'auth' }),
          challenge2: challenge({ algorithm: 'MD5', qop: 'auth', nonce: 'fresh', stale: 'false' }),
        },
      });
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.equal(end?.status, 407);
      assert.match(end.reason, /password|login|refused/i);
      await sipp.done();
      assert.equal(sipp.received('INVITE').length, 2, sipp.summary());
    },
  }),
  ...scenario({
    id: 'auth-stale-nonce',
    title: 'stale=true asks for the new nonce, not for another password',
    requirements: ['auth.stale'],
    async run(stage) {
      const placed = await place(stage, 'uas-auth-stale.xml', {
        keys: {
          challenge: challenge({ algorithm: 'MD5', qop: 'auth' }),
          challenge2: challenge({ algorithm: 'MD5', qop: 'auth', nonce: 'fresh', stale: 'true' }),
        },
      });
      await stage.phone.becomes(placed.call, 'established');
      const third = placed.sipp.received('INVITE')[2];
      assertProof(third, 'proxy-authorization');
      const given = digestFields(
        third === undefined ? '' : (header(third, 'proxy-authorization') ?? ''),
      );
      assert.equal(given['nonce'], 'fresh');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'auth-bye',
    title: 'A challenge within the call is answered',
    requirements: ['auth.in-dialog'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-auth-bye.xml', {
        keys: { challenge: challenge({ algorithm: 'SHA-256', qop: 'auth' }) },
      });
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
      assertProof(placed.sipp.received('BYE')[1], 'proxy-authorization');
    },
  }),
];
