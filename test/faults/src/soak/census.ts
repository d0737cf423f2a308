import assert from 'node:assert/strict';
import { join } from 'node:path';
import { connectControl } from '@offhook/common';
import { until } from '@offhook/test-sipp';
import type { Bed } from '../bed.ts';
import { openFiles, processesWith, residentMb, udpPorts } from '../processes.ts';

/** What the three processes hold. */
export interface Census {
  readonly files: Readonly<Record<'engine' | 'worker' | 'guest', number>>;
  readonly memoryMb: Readonly<Record<'engine' | 'worker' | 'guest', number>>;
}

/** A connection that is just being made, a file that is just being written. */
const FILES_SLACK = 12;

/** Counts, and fails when there is more or less than so many calls need. */
export async function takeCensus(bed: Bed, calls: number, first?: Census): Promise<Census> {
  const { directory, signal } = bed.context;
  const state = join(directory, 'engine');
  const workers = processesWith('offhook-worker', join(state, 'worker.sock'));
  assert.equal(workers.length, 1, `there are ${workers.length} workers`);
  assert.equal(processesWith('offhook-engine', ' run ', state).length, 1, 'more than one engine');
  let seen = '';
  await until(
    `the engine to have ${calls} sessions and the worker their ports, no more`,
    async () => {
      const sessions = (await engineCalls(state)).length;
      const ports = rtpPorts(bed);
      seen = `${sessions} sessions, ${ports} ports`;
      return sessions === calls && ports === 2 * calls;
    },
    { within: 10_000, every: 100, signal, seen: () => seen },
  );
  const pids = { engine: bed.enginePid, worker: bed.workerPid, guest: bed.guestPid };
  const census = { files: each(pids, openFiles), memoryMb: each(pids, residentMb) };
  if (first !== undefined) {
    for (const [name, files] of Object.entries(census.files)) {
      const before = first.files[name as keyof typeof first.files];
      assert.ok(files <= before + FILES_SLACK, `${name} has ${files} files open, had ${before}`);
    }
  }
  return census;
}

/** What the engine says of its calls. */
export async function engineCalls(state: string): Promise<readonly unknown[]> {
  const control = await connectControl(join(state, 'control.sock'));
  try {
    return ((await control.call('calls', {})) as { calls: readonly unknown[] }).calls;
  } finally {
    await control.close();
  }
}

function rtpPorts(bed: Bed): number {
  const { from, to } = bed.rtpPorts;
  return udpPorts(bed.workerPid).filter((port) => port >= from && port <= to).length;
}

function each<K extends string>(
  pids: Readonly<Record<K, number>>,
  measure: (pid: number) => number,
): Record<K, number> {
  const rows = Object.entries<number>(pids).map(([name, pid]) => [name, Math.round(measure(pid))]);
  return Object.fromEntries(rows) as Record<K, number>;
}
