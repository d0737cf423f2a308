import assert from 'node:assert/strict';
import { until } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import { FAR_END_HZ } from '../call.ts';
import type { Context, Measure, Part } from '../row.ts';

/** What the second thin client has for a microphone. */
const ELSEWHERE_HZ = 700;

/** F7: the person opens the desktop at another thin client, and takes the call along. */
async function roam(context: Context, line: 'alice' | 'secure'): Promise<Measure> {
  const bed = await Bed.open(context, { second: true });
  const call = await bed.call({ line });
  await call.soundBothWays(bed.engine);
  const second = await bed.startSecond(ELSEWHERE_HZ);
  await until(
    'the phone to be connected with both',
    async () => (await bed.phone.call('engines.list', {})).engines.every(isConnected),
    { within: 10_000, every: 20 },
  );
  const mark = call.mark;
  const since = performance.now();
  await bed.phone.call('engines.use', { channel: bed.secondChannel });
  const controlMs = await bed.controlBack(since);
  await until(
    'the call to be heard from there',
    () => {
      call.followPhone();
      return call.far.hearsNow(ELSEWHERE_HZ);
    },
    { within: 8000, every: 10, signal: context.signal },
  );
  const movedMs = Math.round(performance.now() - since);
  await second.plays(FAR_END_HZ, { within: 8000, signal: context.signal });
  const heard = call.heard(mark);
  assert.equal((await bed.phone.get(call.id)).state, 'established');
  await bed.phone.call('call.hold', { call: call.id });
  await bed.phone.call('call.resume', { call: call.id });
  await call.far.hears(ELSEWHERE_HZ, { mark: call.mark, within: 8000 });
  await call.end();
  return {
    gapMs: heard.gapMs,
    controlMs,
    survived: heard.streams.length === 2,
    detail: { ...heard, movedMs, control: 'until a command reaches the other engine' },
  };
}

function isConnected({ connected }: { readonly connected: boolean }): boolean {
  return connected;
}

export const roamParts: readonly Part[] = [
  {
    row: 'F7',
    name: 'plain',
    what: 'another thin client takes the call over; plain RTP',
    target: { gapMs: 1000, controlMs: 1000 },
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => roam(context, 'alice'),
  },
  {
    row: 'F7',
    name: 'srtp',
    what: 'another thin client takes the call over; SRTP, with fresh keys',
    target: { gapMs: 1000, controlMs: 1000 },
    deadline: 60_000,
    core: false,
    inTable: true,
    run: (context) => roam(context, 'secure'),
  },
];
