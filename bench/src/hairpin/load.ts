import { cpus } from 'node:os';

import { run } from '@offhook/test-sipp';

import { cpuSeconds } from '../measure/proc.ts';

/** What a stretch of time has cost. */
export interface Load {
  /** Percent of a core that the process used. */
  readonly cpu: number;
  /** Bytes a minute over connections to the port, both ways. */
  readonly bytes: number;
  /** Percent of all processors that were idle. */
  readonly hostIdle: number;
}

/** Begins to count; the function that is returned tells what it was since. */
export async function countLoad(pid: number, port: number): Promise<() => Promise<Load>> {
  const from = await look(pid, port);
  return async () => {
    const to = await look(pid, port);
    const seconds = to.at - from.at;
    const total = to.times.total - from.times.total;
    return {
      cpu: (100 * (to.cpu - from.cpu)) / seconds,
      bytes: (60 * (to.bytes - from.bytes)) / seconds,
      hostIdle: (100 * (to.times.idle - from.times.idle)) / total,
    };
  };
}

async function look(pid: number, port: number) {
  const bytes = await socketBytes(port);
  return { at: performance.now() / 1000, cpu: cpuSeconds(pid), bytes, times: processorTimes() };
}

function processorTimes() {
  const all = cpus().map(({ times }) => times);
  const sum = (pick: (times: (typeof all)[number]) => number) =>
    all.reduce((total, times) => total + pick(times), 0);
  const busy = sum(({ user, nice, sys, irq }) => user + nice + sys + irq);
  const idle = sum((times) => times.idle);
  return { idle, total: idle + busy };
}

/** What the server's sockets at that port have sent and received; ss(8). */
async function socketBytes(port: number): Promise<number> {
  const listed = await run('ss', ['-tinH', 'sport', '=', `:${port}`], { within: 5000 });
  return [...listed.matchAll(/bytes_(?:sent|received):(\d+)/g)].reduce(
    (sum, [, bytes]) => sum + Number(bytes),
    0,
  );
}
