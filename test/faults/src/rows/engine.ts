import { until } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import type { Context, Measure, Part } from '../row.ts';

/** F6: the engine is killed; what supervises it starts it again at once. */
async function engineKilled(context: Context, line: 'alice' | 'secure'): Promise<Measure> {
  const bed = await Bed.open(context);
  const call = await bed.call({ line });
  await call.soundBothWays(bed.engine);
  const { mark } = call;
  const since = performance.now();
  await bed.killEngine();
  await bed.startEngine();
  const controlMs = await bed.controlBack(since);
  await call.isHeard(call.mark, 1000);
  const heard = call.heard(mark);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
  return { gapMs: heard.gapMs, controlMs, survived: heard.lost === 0, detail: { ...heard } };
}

const FROZEN_MS = 30_000;

/** F3 where guest and engine share a machine: the engine itself is frozen, and nothing says so. */
async function engineFrozen(context: Context, frozenMs: number): Promise<Measure> {
  const bed = await Bed.open(context);
  const call = await bed.call();
  await call.soundBothWays(bed.engine);
  const { mark } = call;
  const since = performance.now();
  bed.engine.process.signal('SIGSTOP');
  await until(
    'the phone to notice',
    async () => (await bed.phone.call('status', {})).engine.state !== 'connected',
    { within: 15_000, every: 20 },
  );
  const detectedMs = Math.round(performance.now() - since);
  await call.isHeard(mark, frozenMs - detectedMs);
  const thawed = performance.now();
  bed.engine.process.signal('SIGCONT');
  const backMs = await bed.controlBack(thawed);
  const heard = call.heard(mark);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
  return {
    gapMs: heard.gapMs,
    controlMs: detectedMs,
    survived: heard.lost === 0,
    detail: { ...heard, control: 'until the freeze is noticed', backMs, frozenMs },
  };
}

/** F1 on a network channel: the line is cut, stays down for a while, and is mended. */
async function channelCut(context: Context, downMs: number): Promise<Measure> {
  const bed = await Bed.open(context, { channel: 'tcp' });
  const { relay } = bed;
  if (relay === undefined) throw new Error('the channel has no relay');
  const call = await bed.call();
  await call.soundBothWays(bed.engine);
  const { mark } = call;
  relay.cut();
  await until(
    'the phone to notice',
    async () => (await bed.phone.call('status', {})).engine.state !== 'connected',
    { within: 10_000, every: 10 },
  );
  await call.isHeard(mark, downMs);
  relay.mend();
  const controlMs = await bed.controlBack(performance.now());
  const heard = call.heard(mark);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
  return { gapMs: heard.gapMs, controlMs, survived: heard.lost === 0, detail: { ...heard } };
}

export const engineParts: readonly Part[] = [
  {
    row: 'F1',
    name: 'tcp',
    what: 'the channel between guest and engine is cut for 2 s, then back; TCP',
    target: { gapMs: 0, controlMs: 100 },
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => channelCut(context, 2000),
  },
  {
    row: 'F3',
    name: 'engine',
    what: 'the engine is frozen for 30 s',
    target: { gapMs: 0, controlMs: 5000 },
    deadline: 90_000,
    core: false,
    inTable: true,
    run: (context) => engineFrozen(context, FROZEN_MS),
  },
  {
    row: 'F3',
    name: 'engine-short',
    what: 'the engine is frozen for 8 s',
    target: { gapMs: 0, controlMs: 5000 },
    deadline: 60_000,
    core: true,
    inTable: false,
    run: (context) => engineFrozen(context, 8000),
  },
  {
    row: 'F6',
    name: 'plain',
    what: 'the engine is killed and started again; plain RTP',
    target: { gapMs: 0, controlMs: 2000 },
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => engineKilled(context, 'alice'),
  },
  {
    row: 'F6',
    name: 'srtp',
    what: 'the engine is killed and started again; SRTP',
    target: { gapMs: 0, controlMs: 2000 },
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => engineKilled(context, 'secure'),
  },
];
