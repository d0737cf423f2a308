import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { OffhookError } from '@offhook/common';
import { EngineProcess, freePorts, GuestProcess } from '@offhook/test-sipp';

import { childOf } from './proc.ts';

/** Two for each of the most calls that a benchmark has up. */
const RTP_PORTS = 240;

/** A thin client and a guest as they are shipped, on this machine, quiet and answering by themselves. */
export interface Testbed {
  readonly engine: EngineProcess;
  readonly guest: GuestProcess;
  readonly worker: number;
  close(): Promise<void>;
}

export async function openTestbed(): Promise<Testbed> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-'));
  const ports = await freePorts(RTP_PORTS);
  const removeFolder = () => rm(directory, { recursive: true, force: true });
  const engine = await EngineProcess.start({
    directory,
    config: {
      engine: { log_level: 'info' },
      rtp: { ports: `${ports}-${ports + RTP_PORTS - 1}` },
      audio: { output: 'null' },
    },
  });
  try {
    const guest = await startGuest({ directory, channel: engine.channel });
    const worker = childOf(engine.process.pid, 'offhook-worker');
    if (worker === undefined) {
      throw new OffhookError('worker', 'not-found', 'the engine has no worker process');
    }
    return {
      engine,
      guest,
      worker,
      async close() {
        await guest.stop();
        await engine.stop();
        await removeFolder();
      },
    };
  } catch (error) {
    await engine.stop();
    await removeFolder();
    throw error;
  }
}

/** `offhook daemon` that takes every call at once. */
export function startGuest(options: { directory: string; channel: string }): Promise<GuestProcess> {
  return GuestProcess.start({
    ...options,
    accounts: [{ aor: 'sip:bench@127.0.0.1', register: false, auto_answer: true }],
    addresses: ['127.0.0.1'],
    config: { log: { level: 'warn', sip_trace: false }, calls: { history: 0 } },
  });
}
