import { until } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import { ofPrevious, previousMissing, previousRelease } from '../previous-release.ts';
import type { Context, Measure, Part } from '../row.ts';

type Old = 'engine' | 'guest';

/** A guest and an engine of which one is of the previous release. */
async function open(context: Context, old: Old): Promise<Bed> {
  const wrap = ofPrevious(await previousRelease());
  return Bed.open(context, {
    channel: 'tcp',
    ...(old === 'engine' ? { wrapEngine: wrap } : { wrapGuest: wrap }),
  });
}

/** The channel is cut and mended, and the engine is killed and started again, in one call. */
async function channelAndEngine(context: Context, old: Old): Promise<Measure> {
  const bed = await open(context, old);
  const { relay } = bed;
  if (relay === undefined) throw new Error('the channel has no relay');
  const call = await bed.call();
  await call.soundBothWays(bed.engine);
  const { mark } = call;
  relay.cut();
  await until(
    'the phone to notice',
    async () => (await bed.phone.call('status', {})).engine.state !== 'connected',
    { within: 10_000, every: 20 },
  );
  relay.mend();
  await bed.controlBack(performance.now());
  const since = performance.now();
  await bed.killEngine();
  await bed.startEngine();
  const controlMs = await bed.controlBack(since);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  const heard = call.heard(mark);
  await call.end();
  return { controlMs, survived: heard.streams.length > 0, detail: { ...heard } };
}

/** The daemon of today is killed: the older engine gives its session to the next one. */
async function daemonAtOldEngine(context: Context): Promise<Measure> {
  const bed = await open(context, 'engine');
  const call = await bed.call();
  await call.soundBothWays(bed.engine);
  const since = performance.now();
  await bed.killGuest();
  await bed.startGuest();
  const controlMs = await bed.controlBack(since);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
  return { controlMs, survived: true, detail: {} };
}

const part = (more: Pick<Part, 'row' | 'name' | 'what' | 'run'>): Part => ({
  ...more,
  target: { controlMs: 5000 },
  deadline: 180_000,
  core: true,
  inTable: false,
  missing: previousMissing,
});

/** Guest and engine are not updated in the same minute. */
export const skewParts: readonly Part[] = [
  part({
    row: 'F6',
    name: 'old-engine',
    what: 'an engine of the previous release: the channel is cut, and the engine killed',
    run: (context) => channelAndEngine(context, 'engine'),
  }),
  part({
    row: 'F6',
    name: 'old-guest',
    what: 'a guest of the previous release: the channel is cut, and the engine killed',
    run: (context) => channelAndEngine(context, 'guest'),
  }),
  part({
    row: 'F4',
    name: 'old-engine',
    what: 'the daemon is killed and started again, with an engine of the previous release',
    run: daemonAtOldEngine,
  }),
];
