import assert from 'node:assert/strict';
import { findTone } from '@offhook/common/audio';
import { Baresip } from '../infra/baresip.ts';
import { until } from '../infra/wait.ts';
import type { RequirementId } from '../runner/requirements.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';

const BARESIP_HZ = 700;

interface Variant {
  readonly name: string;
  /** The phone's line. */
  readonly line: string;
  readonly codec: string;
  /** Of baresip's account. */
  readonly parameters: string;
  readonly requirements?: readonly RequirementId[];
}

const VARIANTS: readonly Variant[] = [
  { name: 'pcma', line: 'alice', codec: 'PCMA', parameters: ';audio_codecs=PCMA/8000/1' },
  { name: 'pcmu', line: 'mu', codec: 'PCMU', parameters: ';audio_codecs=PCMU/8000/1' },
  { name: 'g722', line: 'wide', codec: 'G722', parameters: ';audio_codecs=G722/16000/1' },
  { name: 'opus', line: 'wide', codec: 'opus', parameters: ';audio_codecs=opus/48000/1' },
  {
    name: 'srtp',
    line: 'secure',
    codec: 'PCMA',
    parameters: ';audio_codecs=PCMA/8000/1;mediaenc=srtp-mand',
    requirements: ['media.srtp'],
  },
];

function start(stage: Stage, parameters: string, manner = 'auto'): Promise<Baresip> {
  return Baresip.start({
    directory: stage.directory,
    address: '127.0.0.1',
    toneHz: BARESIP_HZ,
    parameters: `;regint=0;answermode=${manner}${parameters}`,
  }).then((baresip) => stage.scope.use(baresip));
}

async function heardBothWays(stage: Stage, baresip: Baresip): Promise<void> {
  await stage.engine.plays(BARESIP_HZ, { ms: 500, signal: stage.signal });
  await until(
    'baresip to hear the phone',
    async () => findTone(await baresip.heard(), 440).presentMs >= 500,
    { within: 6000, every: 200 },
  );
}

function calls({ name, line, codec, parameters, requirements = [] }: Variant): Scenario[] {
  return scenario({
    id: `baresip-called-${name}`,
    title: `Calls baresip: ${name}`,
    group: 'interop',
    requirements: ['interop.baresip', ...requirements],
    needs: ['baresip'],
    async run(stage) {
      const baresip = await start(stage, parameters);
      await stage.engine.forgetPlayed();
      const { id } = await stage.phone.dial(baresip.uri, line);
      await stage.phone.becomes(id, 'established');
      await heardBothWays(stage, baresip);
      const { media } = await stage.phone.get(id);
      assert.equal(media.codec, codec);
      await stage.phone.hangup(id);
      await stage.phone.becomes(id, 'ended');
      await baresip.event('CALL_CLOSED');
    },
  });
}

function isCalled({ name, line, parameters, requirements = [] }: Variant): Scenario[] {
  const user = line === 'alice' ? 'auto' : line;
  return scenario({
    id: `baresip-calls-${name}`,
    title: `Is called by baresip: ${name}`,
    group: 'interop',
    requirements: ['interop.baresip', ...requirements],
    needs: ['baresip'],
    async run(stage) {
      const baresip = await start(stage, parameters);
      await stage.engine.forgetPlayed();
      const since = stage.phone.eventMark;
      await baresip.command('dial', `sip:${user}@127.0.0.1:${stage.guest.port}`);
      const { id } = await stage.phone.rings(since);
      await baresip.event('CALL_ESTABLISHED');
      await heardBothWays(stage, baresip);
      await baresip.command('hangup');
      const { end } = await stage.phone.becomes(id, 'ended');
      assert.equal(end?.by, 'remote');
    },
  });
}

export const baresipScenarios = [
  ...VARIANTS.flatMap(calls),
  ...VARIANTS.filter(({ name }) => name !== 'pcmu').flatMap(isCalled),
  ...scenario({
    id: 'baresip-digits-and-hold',
    title: 'Digits to and from baresip, and hold by either side',
    group: 'interop',
    requirements: ['interop.baresip', 'media.dtmf-in', 'media.dtmf-out', 'reinvite.hold'],
    needs: ['baresip'],
    deadline: 45_000,
    async run(stage) {
      const baresip = await start(stage, ';audio_codecs=PCMA/8000/1');
      await stage.engine.forgetPlayed();
      const { id } = await stage.phone.dial(baresip.uri, 'alice');
      await stage.phone.becomes(id, 'established');
      await heardBothWays(stage, baresip);
      await stage.phone.call('call.dtmf', { call: id, digits: '4#2' });
      await until('baresip to take the digits', () => baresip.digits === '4#2', {
        within: 5000,
        seen: () => `baresip took ${baresip.digits}`,
      });
      await baresip.command('sndcode', '9');
      await until('the phone to take the digit', () => stage.phone.digits(id) === '9', {
        within: 5000,
        seen: () => `the phone took ${stage.phone.digits(id)}`,
      });
      await stage.phone.call('call.hold', { call: id });
      await stage.phone.call('call.resume', { call: id });
      await baresip.command('hold');
      await stage.phone.sees(id, 'held by baresip', ({ remoteHeld }) => remoteHeld);
      await baresip.command('resume');
      await stage.phone.sees(id, 'resumed by baresip', ({ remoteHeld }) => !remoteHeld);
      await stage.phone.hangup(id);
      await stage.phone.becomes(id, 'ended');
    },
  }),
];
