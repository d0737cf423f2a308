import assert from 'node:assert/strict';
import { findTone } from '@offhook/common/audio';
import { ASTERISK_PASSWORD, type Asterisk } from '../infra/asterisk.ts';
import { until } from '../infra/wait.ts';
import type { GuestProcess } from '../phone/guest-process.ts';
import type { TomlTable } from '../phone/toml.ts';
import type { RequirementId } from '../runner/requirements.ts';
import type { Scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { exchange } from './exchange.ts';
import { sharedAsterisk, sharedAuthority } from './peers.ts';
import { registered, registering } from './registered.ts';
import { withAsterisk } from './with-asterisk.ts';

/** What Asterisk's Milliwatt() plays. */
const MILLIWATT_HZ = 1004;

interface Phone {
  readonly asterisk: Asterisk;
  readonly guest: GuestProcess;
  readonly aor: string;
}

async function phone(
  stage: Stage,
  user: string,
  transport: 'udp' | 'tcp' | 'tls',
  account: TomlTable = {},
): Promise<Phone> {
  const asterisk = await sharedAsterisk();
  const aor = `sip:${user}@${asterisk.address}`;
  const port = transport === 'tls' ? asterisk.tlsPort : asterisk.port;
  const guest = await registered(stage, {
    aor,
    registrar: `sip:${asterisk.address}:${port};transport=${transport}`,
    password: ASTERISK_PASSWORD,
    account: { username: user, ...account },
    guest: {
      sip: { tls: { ca: (await sharedAuthority()).certificate } },
      dial: { domain: asterisk.address },
    },
  });
  return { asterisk, guest, aor };
}

/** A number of the dialplan, by way of the registrar. */
function number(asterisk: Asterisk, digits: string, transport: 'udp' | 'tcp' | 'tls'): string {
  const port = transport === 'tls' ? asterisk.tlsPort : asterisk.port;
  return `sip:${digits}@${asterisk.address}:${port};transport=${transport}`;
}

/** Asterisk has recorded the phone's microphone, and the phone plays Asterisk's tone. */
async function heardBothWays(stage: Stage, asterisk: Asterisk, digits: string): Promise<void> {
  await stage.engine.plays(MILLIWATT_HZ, { signal: stage.signal, ms: 500 });
  await until(
    'Asterisk to have recorded the microphone',
    async () => findTone(await asterisk.heard(digits), 440).presentMs >= 500,
    {
      within: 6000,
      every: 200,
      seen: () => 'see heard-*.wav',
    },
  );
}

let extensions = 0;

/** A number that nobody else dials: what is recorded goes by it. */
function ownNumber(): string {
  return `601${++extensions}`;
}

/** Register, call, be heard and hear. */
function tone(
  name: string,
  user: string,
  transport: 'udp' | 'tcp' | 'tls',
  account: TomlTable,
  requirements: readonly RequirementId[] = [],
): Scenario[] {
  return withAsterisk({
    id: `asterisk-${name}`,
    title: `Registers with Asterisk and hears and is heard: ${name}`,
    requirements,
    async run(stage) {
      const { asterisk, guest } = await phone(stage, user, transport, account);
      const digits = ownNumber();
      const { id } = await guest.phone.dial(number(asterisk, digits, transport));
      await guest.phone.becomes(id, 'established');
      await heardBothWays(stage, asterisk, digits);
      const { media } = await guest.phone.get(id);
      const codecs = account['codecs'] as readonly string[] | undefined;
      assert.equal(media.codec, codecs?.[0]);
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
    },
  });
}

export const asteriskScenarios = [
  ...tone('udp-pcma', 'alice-pcma', 'udp', { codecs: ['PCMA'] }, ['auth.md5', 'reg.basic']),
  ...tone('udp-g722', 'alice-g722', 'udp', { codecs: ['G722'] }),
  ...tone('udp-opus', 'alice-opus', 'udp', { codecs: ['opus'] }),
  ...tone('tcp-sha256', 'alice-sha256', 'tcp', { codecs: ['PCMU'] }, ['auth.sha256']),
  ...tone('tls', 'alice-tls', 'tls', { codecs: ['PCMA'] }),
  ...tone('udp-srtp', 'alice-srtp', 'udp', { codecs: ['PCMA'], srtp: 'required' }, ['media.srtp']),
  ...tone('tls-srtp', 'alice-srtp-tls', 'tls', { codecs: ['G722'], srtp: 'required' }, [
    'media.srtp',
  ]),
  ...withAsterisk({
    id: 'asterisk-emergency',
    title:
      'Asterisk takes a call for help with the place beside the description, and both are heard',
    requirements: ['emergency.location'],
    engine: { location: { civic: { country: 'DE', A3: 'Berlin', RD: 'Unter den Linden' } } },
    async run(stage) {
      const { asterisk, guest } = await exchange(stage, { 'alice-help': {} });
      const { id } = await guest.phone.dial('112');
      await guest.phone.becomes(id, 'established');
      assert.match(await asterisk.helped('alice-help', 3000), /^<cid:[^>]+> yes/);
      await heardBothWays(stage, asterisk, '601112');
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-echo',
    title: "Calls Asterisk's Echo() and hears itself",
    requirements: ['media.both-ways'],
    async run(stage) {
      const { asterisk, guest } = await phone(stage, 'alice-udp', 'udp');
      const { id } = await guest.phone.dial(number(asterisk, '600', 'udp'));
      await guest.phone.becomes(id, 'established');
      await stage.engine.plays(440, { ms: 800, signal: stage.signal });
      await guest.phone.sees(id, 'measuring', ({ media }) => media.rxPackets > 50);
      const { media } = await guest.phone.get(id);
      assert.equal(media.lossPct, 0);
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-calls',
    title: 'Is called by Asterisk, over TCP',
    async run(stage) {
      const { asterisk, guest } = await phone(stage, 'alice-called', 'tcp');
      const digits = ownNumber();
      const since = guest.phone.eventMark;
      await asterisk.callPhone('alice-called', digits);
      const { id } = await guest.phone.rings(since);
      await guest.phone.call('call.answer', { call: id, wait: 8000 });
      await heardBothWays(stage, asterisk, digits);
      await asterisk.hangUp('alice-called');
      const { end } = await guest.phone.becomes(id, 'ended');
      assert.equal(end?.by, 'remote');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-hold',
    title: 'Holds a call with Asterisk, resumes, and is heard again',
    requirements: ['reinvite.hold', 'media.hold-loss'],
    async run(stage) {
      const { asterisk, guest } = await phone(stage, 'alice-hold', 'udp');
      const digits = ownNumber();
      const { id } = await guest.phone.dial(number(asterisk, digits, 'udp'));
      await guest.phone.becomes(id, 'established');
      await heardBothWays(stage, asterisk, digits);
      await guest.phone.call('call.hold', { call: id });
      const mark = (await asterisk.heard(digits)).samples.length;
      await guest.phone.call('call.resume', { call: id });
      await until(
        'Asterisk to hear the phone again',
        async () => {
          const { samples, sampleRate } = await asterisk.heard(digits);
          return findTone({ samples: samples.subarray(mark), sampleRate }, 440).presentMs > 500;
        },
        { within: 6000, every: 200 },
      );
      await guest.phone.hangup(id);
      const { media } = await guest.phone.becomes(id, 'ended');
      assert.equal(media.lossPct, 0);
    },
  }),
  ...withAsterisk({
    id: 'asterisk-dtmf',
    title: 'Digits to Asterisk and back',
    requirements: ['media.dtmf-in', 'media.dtmf-out'],
    async run(stage) {
      const { asterisk, guest } = await phone(stage, 'alice-dtmf', 'udp');
      const { id } = await guest.phone.dial(number(asterisk, '602', 'udp'));
      await guest.phone.becomes(id, 'established');
      await guest.phone.sees(id, 'receiving', ({ media }) => media.txPackets > 10);
      await guest.phone.call('call.dtmf', { call: id, digits: '7*3' });
      assert.equal(await asterisk.keys('alice-dtmf', 8000), '7*3');
      await until('the digits to come back', () => guest.phone.digits(id) === '7*3', {
        within: 6000,
        seen: () => `the phone reported ${guest.phone.digits(id)}`,
      });
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-progress',
    title: "Hears Asterisk's announcement before the answer; a busy number",
    requirements: ['uac.early-media', 'uac.reasons'],
    async run(stage) {
      const { asterisk, guest } = await phone(stage, 'alice-progress', 'udp');
      const early = await guest.phone.dial(number(asterisk, '603', 'udp'));
      await guest.phone.becomes(early.id, 'early');
      await stage.engine.plays(1400, { ms: 300, signal: stage.signal });
      await guest.phone.hangup(early.id);
      await guest.phone.becomes(early.id, 'ended');
      const busy = await guest.phone.dial(number(asterisk, '604', 'udp'));
      const { end } = await guest.phone.becomes(busy.id, 'ended');
      assert.match(end?.reason ?? '', /busy/);
    },
  }),
  ...withAsterisk({
    id: 'asterisk-wrong-password',
    title: 'Asterisk refuses a wrong password, and the phone says so',
    requirements: ['auth.wrong'],
    async run(stage) {
      const asterisk = await sharedAsterisk();
      const aor = `sip:alice-wrong@${asterisk.address}`;
      const guest = await registering(stage, {
        aor,
        registrar: `sip:${asterisk.address}:${asterisk.port}`,
        password: 'not this one',
        account: { username: 'alice-wrong' },
      });
      const failed = await guest.phone.registration(aor, 'failed', 10_000);
      assert.equal(failed.status, 401);
      assert.match(failed.reason ?? '', /password|login/i);
    },
  }),
  ...withAsterisk({
    id: 'tls-unknown-authority',
    title: 'A TLS server whose certificate nobody vouches for is refused',
    requirements: ['tls.verify'],
    async run(stage) {
      const asterisk = await sharedAsterisk();
      const aor = `sip:alice-tls@${asterisk.address}`;
      const guest = await registering(stage, {
        aor,
        registrar: `sip:${asterisk.address}:${asterisk.tlsPort};transport=tls`,
        password: ASTERISK_PASSWORD,
        account: { username: 'alice-tls' },
      });
      const failed = await guest.phone.registration(aor, 'failed', 10_000);
      assert.equal(failed.status, 0);
      assert.match(failed.reason ?? '', /certificate|tls|self.signed|issuer/i);
    },
  }),
];
