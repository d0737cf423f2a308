import assert from 'node:assert/strict';
import { freePorts } from '../infra/ports.ts';
import { digestFault } from '../infra/digest.ts';
import { header, headerList, type SipMessage } from '../infra/sip-message.ts';
import type { Sipp } from '../infra/sipp.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import type { TomlTable } from '../phone/toml.ts';
import type { PeerOptions, Stage } from '../runner/stage.ts';
import { scenario, type ScenarioOptions } from '../runner/scenario.ts';

const AOR = 'sip:alice@example.test';
const MD5 = 'Digest realm="example.test", nonce="abc123", algorithm=MD5, qop="auth"';
const SHA256 = 'Digest realm="example.test", nonce="abc123", algorithm=SHA-256, qop="auth"';

/** A phone of its own that registers with these. */
async function registering(
  stage: Stage,
  registrars: readonly string[],
  more: TomlTable & { readonly port?: number } = {},
): Promise<GuestProcess> {
  const { port, ...account } = more;
  return stage.scope.use(
    await GuestProcess.start({
      directory: stage.directory,
      channel: stage.engine.channel,
      accounts: [{ aor: AOR, registrar: registrars, password: 'wonderland', ...account }],
      ...(port === undefined ? {} : { port }),
      signal: stage.signal,
    }),
  );
}

function registrar(stage: Stage, file: string, options: PeerOptions = {}): Promise<Sipp> {
  return stage.answering(file, {
    extra: ['-d', '50', '-recv_timeout', '20000'],
    ...options,
    keys: { expires: 600, ...options.keys },
  });
}

function contacts(message: SipMessage): string[] {
  return headerList(message, 'contact');
}

const of = (options: Omit<ScenarioOptions, 'setting'>): ReturnType<typeof scenario> =>
  scenario({ ...options, setting: { phone: 'own' } });

export const registration = [
  ...of({
    id: 'reg-basic',
    title: 'The phone registers, and takes its binding back when it ends',
    requirements: ['reg.basic'],
    over: ['udp', 'tcp', 'udp6', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const sipp = await registrar(stage, 'registrar.xml', {
        extra: ['-d', String(stage.linger), '-recv_timeout', '20000'],
      });
      const guest = await registering(stage, [sipp.uri().replace('bob@', '')]);
      const account = await guest.phone.registration(AOR, 'registered', 32_000);
      assert.ok(account.expiresAt !== null);
      await guest.stop();
      await sipp.done(32_000);
      const [first, last] = [sipp.received('REGISTER')[0], sipp.received('REGISTER').at(-1)];
      assert.ok(first !== undefined && last !== undefined);
      assert.match(header(first, 'to') ?? '', /sip:alice@example\.test/);
      const gone =
        header(last, 'expires') === '0' || contacts(last).some((one) => /expires=0/.test(one));
      assert.ok(gone, `the last REGISTER removes nothing: ${contacts(last).join(', ')}`);
    },
  }),
  ...of({
    id: 'reg-md5',
    title: 'A registrar that asks for MD5',
    requirements: ['auth.md5', 'reg.basic'],
    async run(stage) {
      const sipp = await registrar(stage, 'registrar-auth.xml', {
        keys: { challenge: MD5, challenge2: 'Digest realm="x", nonce="y", algorithm=SHA-999' },
      });
      const guest = await registering(stage, [sipp.uri().replace('bob@', '')]);
      await guest.phone.registration(AOR, 'registered');
      await guest.stop();
      await sipp.done();
      assertProof(sipp.received('REGISTER')[1]);
    },
  }),
  ...of({
    id: 'reg-sha256',
    title: 'A registrar that offers SHA-256 before MD5',
    requirements: ['auth.sha256', 'auth.strongest'],
    over: ['tcp'],
    async run(stage) {
      const sipp = await registrar(stage, 'registrar-auth.xml', {
        keys: { challenge: SHA256, challenge2: MD5 },
      });
      const guest = await registering(stage, [sipp.uri().replace('bob@', '')]);
      await guest.phone.registration(AOR, 'registered');
      await guest.stop();
      await sipp.done();
      const second = sipp.received('REGISTER')[1];
      assertProof(second);
      assert.match(header(second as SipMessage, 'authorization') ?? '', /SHA-256/i);
    },
  }),
  ...of({
    id: 'reg-wrong-password',
    title: 'A wrong password is told, and not tried again',
    requirements: ['auth.wrong'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const sipp = await registrar(stage, 'registrar-refuses.xml', {
        keys: { challenge: MD5, challenge2: MD5.replace('abc123', 'def456') },
        extra: ['-d', '1500'],
      });
      const guest = await registering(stage, [sipp.uri().replace('bob@', '')], {
        password: 'not this one',
      });
      const failed = await guest.phone.registration(AOR, 'failed');
      assert.equal(failed.status, 401);
      assert.match(failed.reason ?? '', /password|login/i);
      assert.equal(failed.retryAt, null, 'it waits for the person');
      await sipp.done();
      assert.equal(sipp.received('REGISTER').length, 2, sipp.summary());
    },
  }),
  ...of({
    id: 'reg-refresh',
    title: 'A short registration is refreshed in time',
    requirements: ['reg.refresh'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const sipp = await registrar(stage, 'registrar-short.xml', { keys: { expires: 4 } });
      const guest = await registering(stage, [sipp.uri().replace('bob@', '')]);
      await sipp.receives('REGISTER', { count: 3, within: 12_000 });
      await guest.stop();
      await sipp.done();
      const sent = sipp.received('REGISTER');
      assert.equal(new Set(sent.map((one) => header(one, 'call-id'))).size, 1);
      const numbers = sent.map((one) => Number.parseInt(header(one, 'cseq') ?? '', 10));
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(numbers).size, numbers.length);
    },
  }),
  ...of({
    id: 'reg-423',
    title: 'A registrar that wants longer registrations',
    requirements: ['reg.423'],
    async run(stage) {
      const sipp = await registrar(stage, 'registrar-423.xml', { keys: { expires: 1800 } });
      const guest = await registering(stage, [sipp.uri().replace('bob@', '')], { expires: 60 });
      await guest.phone.registration(AOR, 'registered');
      await guest.stop();
      await sipp.done();
      const second = sipp.received('REGISTER')[1];
      assert.ok(second !== undefined);
      const asked =
        header(second, 'expires') ?? /expires=(\d+)/.exec(contacts(second)[0] ?? '')?.[1];
      assert.equal(Number(asked), 1800);
    },
  }),
  ...of({
    id: 'reg-failover',
    title: 'The first registrar is down, the second one is used',
    requirements: ['reg.failover'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const down = await registrar(stage, 'registrar-503.xml', { name: 'down' });
      const up = await registrar(stage, 'registrar.xml', { name: 'up' });
      const uris = [down, up].map((sipp) => sipp.uri().replace('bob@', ''));
      const guest = await registering(stage, uris);
      const account = await guest.phone.registration(AOR, 'registered');
      assert.match(account.registrar ?? '', new RegExp(`:${up.port}\\b`));
      await guest.stop();
      await Promise.all([down.done(), up.done()]);
    },
  }),
  ...of({
    id: 'reg-failover-refused',
    title: 'Nobody listens at the first registrar, the second one is used',
    requirements: ['reg.failover'],
    over: ['tcp'],
    async run(stage) {
      const nobody = await freePorts(2);
      const up = await registrar(stage, 'registrar.xml');
      const guest = await registering(stage, [
        `sip:127.0.0.1:${nobody};transport=tcp`,
        up.uri().replace('bob@', ''),
      ]);
      await guest.phone.registration(AOR, 'registered');
      await guest.stop();
      await up.done();
    },
  }),
  ...of({
    id: 'reg-stale-binding',
    title: 'A binding of an earlier life is removed, another phone stays',
    requirements: ['reg.stale-binding'],
    async run(stage) {
      // An earlier life of the phone: what it registered as is what the next one must recognise.
      const first = await registrar(stage, 'registrar.xml', { name: 'first' });
      const port = await freePorts(2);
      const guest = await registering(stage, [first.uri().replace('bob@', '')], { port });
      await guest.phone.registration(AOR, 'registered');
      guest.process.killNow();
      await guest.process.exited;
      const register = await first.receives('REGISTER');
      const bound = /<([^>]+)>/.exec(contacts(register)[0] ?? '')?.[1];
      assert.ok(bound !== undefined);
      await first.stop();
      const stale = bound.replace(/sip:([^@]+)@/, 'sip:$1@').replace(`:${port}`, `:${port + 1}`);
      const sipp = await registrar(stage, 'registrar-stale.xml', {
        keys: { stale },
        extra: ['-d', '50'],
      });
      const again = await registering(stage, [sipp.uri().replace('bob@', '')], { port });
      await sipp.receives('REGISTER', { count: 2 });
      await again.stop();
      await sipp.done();
      const removal = sipp.received('REGISTER')[1];
      const text = removal === undefined ? '' : contacts(removal).join(', ');
      assert.ok(text.includes(stale) && /expires=0/.test(text), `it removes ${text}`);
      assert.ok(!text.includes('192.0.2.77'), 'the binding of another phone must stay');
    },
  }),
  ...of({
    id: 'reg-nobody',
    title: 'A registrar that does not answer is told as such',
    requirements: ['reg.unanswered'],
    over: ['tcp'],
    async run(stage) {
      const nobody = await freePorts(2);
      const guest = await registering(stage, [`sip:127.0.0.1:${nobody};transport=tcp`]);
      const account = await guest.phone.registration(AOR, 'failed');
      assert.equal(account.status, 0);
      assert.notEqual(account.reason, '');
      assert.ok(account.retryAt !== null, 'it tries again by itself');
    },
  }),
];

function assertProof(message: SipMessage | undefined): void {
  assert.ok(message !== undefined);
  assert.equal(
    digestFault(message, { field: 'authorization', username: 'alice', password: 'wonderland' }),
    undefined,
  );
}
