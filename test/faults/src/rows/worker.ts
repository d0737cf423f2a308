import { udpPorts } from '../processes.ts';
import { Bed } from '../bed.ts';
import type { Call } from '../call.ts';
import type { Context, Measure, Part } from '../row.ts';

const TARGET = { gapMs: 300 };

/** F5: the process that sends and receives the sound is killed. */
async function workerKilled(context: Context, line: 'alice' | 'secure'): Promise<Measure> {
  const bed = await Bed.open(context);
  const call = await bed.call({ line });
  await call.soundBothWays(bed.engine);
  const before = portsOf(bed);
  const offers = call.sipp.received('INVITE').length;
  const mark = call.mark;
  const since = performance.now();
  await bed.killWorker();
  const controlMs = await bed.controlBack(since);
  await call.soundBothWays(bed.engine);
  const heard = call.heard(mark);
  const detail = {
    ...heard,
    samePorts: before.every((port) => portsOf(bed).includes(port)),
    reinvites: call.sipp.received('INVITE').length - offers,
  };
  await goesOn(bed, call);
  const same = detail.samePorts && heard.streams.length === 1 && detail.reinvites === 0;
  return { gapMs: heard.gapMs, controlMs, survived: same && forward(call, mark), detail };
}

/** Sequence numbers and timestamps only ever grow: none is used twice. */
function forward(call: Call, mark: number): boolean {
  const { duplicates } = call.far.capture.continuity(mark);
  return duplicates === 0;
}

/** RTP and RTCP ports that the worker has bound, of those that the engine may use. */
function portsOf(bed: Bed): readonly number[] {
  const { from, to } = bed.rtpPorts;
  return udpPorts(bed.workerPid).filter((port) => port >= from && port <= to);
}

async function goesOn(bed: Bed, call: Call): Promise<void> {
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
}

export const workerParts: readonly Part[] = [
  {
    row: 'F5',
    name: 'plain',
    what: 'the media worker is killed; plain RTP',
    target: TARGET,
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => workerKilled(context, 'alice'),
  },
  {
    row: 'F5',
    name: 'srtp',
    what: 'the media worker is killed; SRTP goes on with the same keys',
    target: TARGET,
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => workerKilled(context, 'secure'),
  },
];
