import assert from 'node:assert/strict';
import { findTone } from '@offhook/common/audio';
import { Linphone } from '../infra/linphone.ts';
import { until } from '../infra/wait.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';

const LINPHONE_HZ = 1300;

async function start(stage: Stage, srtp: boolean): Promise<Linphone> {
  return stage.scope.use(
    await Linphone.start({
      directory: stage.directory,
      address: '127.0.0.1',
      toneHz: LINPHONE_HZ,
      srtp,
    }),
  );
}

/** linphone closes its recording when the call ends, and it cannot be read before. */
async function heardThePhone(linphone: Linphone): Promise<void> {
  await linphone.says(/ended/);
  await until(
    'linphone to have heard the phone',
    async () => findTone(await linphone.heard(), 440).presentMs >= 500,
    { within: 4000, every: 200 },
  );
}

function called(name: string, line: string, srtp: boolean, codec: string): Scenario[] {
  return scenario({
    id: `linphone-called-${name}`,
    title: `Calls linphone: ${name}`,
    group: 'interop',
    requirements: srtp ? ['interop.linphone', 'media.srtp'] : ['interop.linphone'],
    needs: ['linphone'],
    deadline: 45_000,
    async run(stage) {
      const linphone = await start(stage, srtp);
      await stage.engine.forgetPlayed();
      const { id } = await stage.phone.dial(linphone.uri, line);
      await stage.phone.becomes(id, 'established');
      await stage.engine.plays(LINPHONE_HZ, { ms: 800, signal: stage.signal });
      const { media } = await stage.phone.get(id);
      assert.equal(media.codec, codec);
      await stage.phone.hangup(id);
      await stage.phone.becomes(id, 'ended');
      await heardThePhone(linphone);
    },
  });
}

function calls(name: string, user: string, srtp: boolean): Scenario[] {
  return scenario({
    id: `linphone-calls-${name}`,
    title: `Is called by linphone: ${name}`,
    group: 'interop',
    requirements: srtp ? ['interop.linphone', 'media.srtp'] : ['interop.linphone'],
    needs: ['linphone'],
    deadline: 45_000,
    async run(stage) {
      const linphone = await start(stage, srtp);
      await stage.engine.forgetPlayed();
      const since = stage.phone.eventMark;
      linphone.command(`call sip:${user}@127.0.0.1:${stage.guest.port}`);
      const { id } = await stage.phone.rings(since);
      await stage.phone.becomes(id, 'established');
      await stage.engine.plays(LINPHONE_HZ, { ms: 800, signal: stage.signal });
      linphone.command('terminate');
      const { end } = await stage.phone.becomes(id, 'ended');
      assert.equal(end?.by, 'remote');
      await heardThePhone(linphone);
    },
  });
}

export const linphoneScenarios = [
  ...called('pcma', 'alice', false, 'PCMA'),
  ...called('opus', 'wide', false, 'opus'),
  ...called('srtp', 'secure', true, 'PCMA'),
  ...calls('plain', 'auto', false),
  ...calls('srtp', 'secure', true),
];
