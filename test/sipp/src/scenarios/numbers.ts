import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { header } from '../infra/sip-message.ts';
import type { Sipp } from '../infra/sipp.ts';
import { until } from '../infra/wait.ts';
import { EngineProcess } from '../phone/engine-process.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import type { TomlTable } from '../phone/toml.ts';
import { scenario, type ScenarioOptions } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';

const BERLIN = { country: 'DE', A3: 'Berlin', RD: 'Unter den Linden', HNO: '1', FLR: '3' };

/** A phone of its own whose calls all go to that SIPp. */
async function phoneBy(
  stage: Stage,
  sipp: Sipp,
  config: Readonly<Record<string, TomlTable>>,
  more: TomlTable = {},
  aors: readonly string[] = ['sip:alice@example.test', 'sip:trunk@carrier.test'],
): Promise<GuestProcess> {
  const proxy = `${sipp.uri().replace('bob@', '')};lr`;
  const account = { register: false, outbound_proxy: proxy, ...more };
  return stage.scope.use(
    await GuestProcess.start({
      directory: stage.directory,
      channel: stage.engine.channel,
      accounts: aors.map((aor) => ({ aor, ...account })),
      config: { calls: { one_active: true }, ...config },
      signal: stage.signal,
    }),
  );
}

const of = (options: Omit<ScenarioOptions, 'setting'>): ReturnType<typeof scenario> =>
  scenario({
    ...options,
    setting: { phone: 'own', engine: { location: { civic: BERLIN } } },
  });

function invitesOf(sipp: Sipp): string[] {
  return sipp.received('INVITE').map((invite) => `${header(invite, 'from')} ${invite.startLine}`);
}

/** How numbers are dialled, and calls for help. */
export const numbers = [
  ...of({
    id: 'number-rules',
    title: 'Numbers go out as the rules say, by the account that they choose; others are refused',
    requirements: ['dial.rules'],
    async run(stage) {
      const sipp = await stage.answering('uas-answer.xml', { calls: 2, extra: ['-d', '50'] });
      const { phone } = await phoneBy(stage, sipp, {
        dial: {
          country: 'DE',
          area: '30',
          format: 'e164',
          rule: [
            { name: 'mobile', pattern: '\\+491[567](\\d+)', account: 'sip:trunk@carrier.test' },
          ],
          block: [{ name: 'premium', pattern: '\\+49900\\d+', reason: 'premium rate' }],
        },
      });
      await assert.rejects(
        phone.call('call.dial', { target: '0900 123456' }),
        /premium rate, by "premium" \(.*guest\.toml:\d+\)/,
      );
      const { uri } = await phone.call('call.preview', { target: '1234567' });
      assert.equal(uri, 'sip:+49301234567@example.test');
      for (const target of ['1234567', '0171/1234567']) {
        await phone.call('call.dial', { target, wait: 5000 });
        await phone.call('call.hangup', { all: true });
      }
      await sipp.done();
      const [local, mobile] = invitesOf(sipp);
      assert.match(local ?? '', /sip:alice@.* INVITE sip:\+49301234567@example\.test/);
      assert.match(mobile ?? '', /sip:trunk@.* INVITE sip:\+491711234567@carrier\.test/);
    },
  }),
  ...of({
    id: 'emergency',
    title: 'A call for help carries the place of the thin client, past rules; help can call back',
    requirements: ['emergency.location', 'emergency.callback'],
    async run(stage) {
      const sipp = await stage.answering('uas-answer.xml', { calls: 2, extra: ['-d', '50'] });
      const guest = await phoneBy(stage, sipp, {
        dial: { country: 'DE', block: [{ pattern: '.*' }] },
        emergency: { account: 'sip:trunk@carrier.test', resource_priority: 'esnet.1' },
      });
      const { phone } = guest;
      const { engine } = await phone.call('status', {});
      assert.equal(engine.location, 'Unter den Linden 1, Berlin, DE, floor 3');
      await phone.call('settings.doNotDisturb', { on: true });
      const { id } = await phone.call('call.dial', { target: '112', wait: 5000 });
      const [invite] = sipp.received('INVITE');
      assert.ok(invite !== undefined);
      assert.match(invite.startLine, /^INVITE sip:112@carrier\.test/);
      assert.equal(header(invite, 'geolocation-routing'), 'yes');
      assert.equal(header(invite, 'priority'), 'emergency');
      assert.equal(header(invite, 'resource-priority'), 'esnet.1');
      const [, cid] = /^<cid:([^>]+)>$/.exec(header(invite, 'geolocation') ?? '') ?? [];
      const [, boundary = ''] =
        /^multipart\/mixed;boundary="([^"]+)"$/.exec(header(invite, 'content-type') ?? '') ?? [];
      const [sdp, pidf, end] = invite.body.split(`--${boundary}`).slice(1);
      assert.match(sdp ?? '', /Content-Type: application\/sdp[\s\S]*m=audio/);
      assert.match(pidf ?? '', /Content-Type: application\/pidf\+xml/);
      assert.ok(pidf?.includes(`Content-ID: <${cid}>`));
      assert.match(pidf ?? '', /<cl:A3>Berlin<\/cl:A3><cl:RD>Unter den Linden<\/cl:RD>/);
      assert.match(end ?? '', /^--/);
      await phone.call('call.hangup', { call: id });
      const since = phone.eventMark;
      const remote = { address: stage.network.address, port: guest.port };
      const psap = await stage.calling('uac-cancel.xml', { name: 'psap', remote, user: 'alice' });
      await phone.rings(since, { within: 5000, from: psap.identity });
    },
  }),
  ...of({
    id: 'emergency-roaming',
    title: 'A call for help from another thin client carries the place of that one',
    requirements: ['emergency.location'],
    async run(stage) {
      const sipp = await stage.answering('uas-answer.xml', { calls: 2, extra: ['-d', '50'] });
      const directory = join(stage.directory, 'elsewhere');
      await mkdir(directory);
      const elsewhere = stage.scope.use(
        await EngineProcess.start({
          directory,
          config: { location: { civic: { ...BERLIN, A3: 'Potsdam' } } },
          signal: stage.signal,
        }),
      );
      const { phone } = await phoneBy(stage, sipp, {
        dial: { country: 'DE' },
        engine: { also: [elsewhere.channel] },
      });
      const placeOf = async (at: number) => {
        await phone.call('call.dial', { target: '112', wait: 5000 });
        await phone.call('call.hangup', { all: true });
        return /<cl:A3>(.*?)<\/cl:A3>/.exec(sipp.received('INVITE')[at]?.body ?? '')?.[1];
      };
      assert.equal(await placeOf(0), 'Berlin');
      await until(
        'the other thin client to be connected',
        async () => (await phone.call('engines.list', {})).engines.every((one) => one.connected),
        { within: 5000, every: 50 },
      );
      await phone.call('engines.use', { channel: elsewhere.channel });
      assert.equal(await placeOf(1), 'Potsdam');
      await sipp.done();
    },
  }),
  ...of({
    id: 'emergency-424',
    title: 'A call for help whose location is refused is made again without it',
    requirements: ['emergency.retry'],
    async run(stage) {
      const sipp = await stage.answering('uas-reject.xml', {
        calls: 2,
        fill: { STATUS: 424, REASON: 'Bad Location Information' },
        keys: { note: 'no' },
        extra: ['-d', '50'],
      });
      const { phone } = await phoneBy(stage, sipp, { dial: { country: 'DE' } }, {}, [
        'sip:alice@example.test',
      ]);
      await phone.call('call.dial', { target: '112' });
      await sipp.receives('INVITE', { count: 2 });
      const [first, second] = sipp.received('INVITE');
      assert.ok(first !== undefined && second !== undefined);
      assert.match(header(first, 'content-type') ?? '', /^multipart\/mixed/);
      assert.equal(header(second, 'content-type'), 'application/sdp');
      assert.equal(header(second, 'geolocation'), undefined);
      await until(
        'the second call to end',
        async () => ((await phone.call('calls.list', {})).calls.length === 0 ? true : undefined),
        { within: 5000, every: 50 },
      );
    },
  }),
  ...of({
    id: 'reg-forced-out',
    title: 'A registrar that logs the phone out is believed: later, or not before the person asks',
    requirements: ['reg.event'],
    async run(stage) {
      for (const event of ['probation', 'rejected'] as const) {
        const sipp = await stage.answering('registrar-event.xml', {
          name: event,
          calls: 2,
          keys: { event, retry: event === 'probation' ? ' retry-after="600"' : '' },
        });
        const line = { register: true, reg_event: true };
        const guest = await phoneBy(stage, sipp, {}, line, ['sip:alice@example.test']);
        const { phone } = guest;
        const account = await phone.registration('sip:alice@example.test', 'failed', 10_000);
        assert.match(account.reason ?? '', /^logged out by the registrar/);
        assert.equal(account.retryAt !== null, event === 'probation');
        await guest.stop();
      }
    },
  }),
];
