import assert from 'node:assert/strict';
import { findTone } from '@offhook/common/audio';
import { Baresip } from '../infra/baresip.ts';
import type { Kamailio } from '../infra/kamailio.ts';
import { until } from '../infra/wait.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { sharedKamailio } from './peers.ts';
import { registered } from './registered.ts';

const BARESIP_HZ = 700;

/** baresip as another phone of the proxy's domain. */
async function other(stage: Stage, kamailio: Kamailio, user: string): Promise<Baresip> {
  const proxy = `sip:${kamailio.address}:${kamailio.port};transport=udp`;
  const baresip = stage.scope.use(
    await Baresip.start({
      directory: stage.directory,
      address: '127.0.0.1',
      toneHz: BARESIP_HZ,
      aor: `sip:${user}@example.test`,
      parameters: `;regint=600;auth_user=${user};auth_pass=builder;outbound="${proxy}";answermode=auto;audio_codecs=PCMA/8000/1`,
    }),
  );
  await baresip.registered();
  return baresip;
}

async function heardBothWays(stage: Stage, baresip: Baresip): Promise<void> {
  await stage.engine.plays(BARESIP_HZ, { ms: 500, signal: stage.signal });
  await until(
    'baresip to hear the phone',
    async () => findTone(await baresip.heard(), 440).presentMs >= 500,
    { within: 6000, every: 200 },
  );
}

export const kamailioScenarios = (['udp', 'tcp'] as const).flatMap((transport) => [
  ...scenario({
    id: `kamailio-calls-${transport}`,
    title: `Registers with Kamailio over ${transport} and calls through it`,
    group: 'interop',
    requirements: ['interop.kamailio', 'dialog.record-route', 'auth.proxy-and-uas'],
    setting: { phone: 'own' },
    needs: ['kamailio', 'baresip'],
    deadline: 45_000,
    async run(stage) {
      const kamailio = await sharedKamailio();
      const user = `alice-${transport}`;
      const aor = `sip:${user}@example.test`;
      const guest = await registered(stage, {
        aor,
        registrar: `sip:${kamailio.address}:${kamailio.port};transport=${transport}`,
        password: 'wonderland',
        account: {
          codecs: ['PCMA'],
          outbound_proxy: `sip:${kamailio.address}:${kamailio.port};transport=${transport};lr`,
        },
      });
      const bob = await other(stage, kamailio, `bob-${transport}`);
      const { id } = await guest.phone.dial(`sip:bob-${transport}@example.test`);
      await guest.phone.becomes(id, 'established');
      await heardBothWays(stage, bob);
      await guest.phone.call('call.hold', { call: id });
      await guest.phone.call('call.resume', { call: id });
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
      await bob.event('CALL_CLOSED');
    },
  }),
  ...scenario({
    id: `kamailio-called-${transport}`,
    title: `Is called through Kamailio over ${transport}`,
    group: 'interop',
    requirements: ['interop.kamailio'],
    setting: { phone: 'own' },
    needs: ['kamailio', 'baresip'],
    deadline: 45_000,
    async run(stage) {
      const kamailio = await sharedKamailio();
      const user = `alice-called-${transport}`;
      const aor = `sip:${user}@example.test`;
      const guest = await registered(stage, {
        aor,
        registrar: `sip:${kamailio.address}:${kamailio.port};transport=${transport}`,
        password: 'wonderland',
        account: { codecs: ['PCMA'] },
      });
      const bob = await other(stage, kamailio, `bob-calls-${transport}`);
      const since = guest.phone.eventMark;
      await bob.command('dial', aor);
      const { id, remote } = await guest.phone.rings(since);
      assert.match(remote, /bob-calls/);
      await guest.phone.call('call.answer', { call: id, wait: 8000 });
      await bob.event('CALL_ESTABLISHED');
      await heardBothWays(stage, bob);
      await bob.command('hangup');
      const { end } = await guest.phone.becomes(id, 'ended');
      assert.equal(end?.by, 'remote');
    },
  }),
]);
