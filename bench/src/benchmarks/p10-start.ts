import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withDeadline } from '@offhook/common';
import { EngineProcess, ManagedProcess } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { offhook } from '../measure/screen.ts';
import { median, round, spread } from '../measure/statistics.ts';
import { timeToScreen } from '../measure/terminal.ts';
import { startGuest } from '../measure/testbed.ts';
import { openRegistrar } from '../peers/registrar.ts';
import { atMost, type Figures } from '../report.ts';

const STARTS = 12;
const DEADLINE_MS = 15_000;

export const p10: Benchmark = {
  id: 'P10',
  what: 'start: user interface to a usable screen, daemon to registered',
  run,
};

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-bench-p10-'));
  const engine = await EngineProcess.start({ directory });
  try {
    const screens = await measureScreens(directory, engine.channel, signal);
    const daemon = await measureDaemon(directory, engine.channel, signal);
    say(`P10: ${STARTS} starts each`);
    return {
      'P10.tui': atMost(
        { target: 1, unit: 'ratio', peer: 'linphonec to its prompt' },
        round(median(screens.ours) / median(screens.theirs)),
        { offhookMs: spread(screens.ours, 0), linphonecMs: spread(screens.theirs, 0) },
      ),
      'P10.registered': atMost(
        { target: 500, unit: 'ms', peer: 'none' },
        round(median(daemon), 0),
        { milliseconds: spread(daemon, 0) },
      ),
    };
  } finally {
    await engine.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The user interface of a running daemon and linphonec, in turn, each on a fresh terminal. */
async function measureScreens(directory: string, channel: string, signal: AbortSignal) {
  const guest = await startGuest({ directory, channel });
  const linphone = join(directory, 'linphonerc');
  await writeFile(linphone, '[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\n');
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    for (let start = 0; start <= STARTS; start++) {
      signal.throwIfAborted();
      const mine = await timeToScreen({
        command: [process.execPath, offhook, '--state-dir', guest.stateDir],
        sign: /bench@127\.0\.0\.1/,
        deadlineMs: DEADLINE_MS,
      });
      const peer = await timeToScreen({
        command: ['linphonec', '-c', linphone],
        sign: /linphonec> /,
        deadlineMs: DEADLINE_MS,
        env: { HOME: directory },
      });
      // The first start of each fills the disk cache.
      if (start === 0) continue;
      ours.push(mine);
      theirs.push(peer);
    }
  } finally {
    await guest.stop();
  }
  return { ours, theirs };
}

/** From the start of the process to the registrar's 200 to an authenticated REGISTER. */
async function measureDaemon(directory: string, channel: string, signal: AbortSignal) {
  const registrar = await openRegistrar();
  const config = join(directory, 'registering.toml');
  await writeFile(
    config,
    `[sip]\nlisten = ["udp:127.0.0.1:0"]\n[[account]]\naor = "sip:bench@127.0.0.1:${registrar.port}"\n` +
      `password = "bench"\n[engine]\nchannel = "${channel}"\n`,
  );
  const times: number[] = [];
  try {
    for (let start = 0; start <= STARTS; start++) {
      signal.throwIfAborted();
      const registered = registrar.next();
      const startedAt = performance.now();
      const state = join(directory, `registering-${start}`);
      const daemon = new ManagedProcess({
        name: 'offhook daemon',
        command: process.execPath,
        args: [offhook, 'daemon', '--config', config, '--state-dir', state],
      });
      const what = 'registration of the daemon';
      await withDeadline({ layer: 'signaling', what, ms: DEADLINE_MS, signal }, () => registered);
      if (start > 0) times.push(performance.now() - startedAt);
      await daemon.stop(8000);
    }
  } finally {
    registrar.close();
  }
  return times;
}
