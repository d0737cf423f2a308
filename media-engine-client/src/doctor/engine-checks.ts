import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectControl, isOffhookError, silentLogger } from '@offhook/common';
import { connectMedia } from '@offhook/media-rpc';
import { connectChannel } from '@offhook/virtual-channel';
import { defineEngineConfig, loadEngineConfig, type EngineConfig } from '../config.ts';
import { engineStatus, type EngineStatus } from '../control/api.ts';
import { controlSocket, workerPath } from '../daemon-paths.ts';
import { createGStreamerPlane } from '../gstreamer/index.ts';
import type { MediaPlane } from '../media-plane.ts';
import type { LinkReport } from '../link/api.ts';
import { fail, ok, runCheck, warn, type Check, type CheckResult } from './check.ts';
import { findHeadsets, type InputRoots } from '../headset/find.ts';
import { checkLocation } from './location.ts';
import { checkLoopBack } from './loop-back.ts';
import { checkAddress, checkPorts } from './network.ts';
import { checkPlugins } from './plugins.ts';
import { checkRecordings } from './recordings.ts';

const WORKER_LEASE_MS = 5000;

/**
 * Looks at every layer, from the configuration to sound, with a worker of its own, so that running
 * calls do not notice. Results come in the order in which a failure of one explains the next.
 */
export async function* examine(options: {
  stateDir: string;
  configPath: string | undefined;
}): AsyncGenerator<CheckResult> {
  let config: EngineConfig = defineEngineConfig();
  yield await runCheck({
    layer: 'config',
    name: 'configuration',
    run: async () => {
      config = loadEngineConfig(options.configPath);
      return ok(options.configPath ?? 'defaults, or the user’s own file');
    },
  });
  yield await runCheck(workerExecutable);
  yield await runCheck({
    layer: 'worker',
    name: 'GStreamer',
    run: () => Promise.resolve(checkPlugins()),
  });
  yield await runCheck({ layer: 'media', name: 'address', run: () => checkAddress(config.rtp) });
  yield await runCheck({ layer: 'media', name: 'ports', run: () => checkPorts(config.rtp) });
  yield* withWorker(config);
  yield await runCheck({
    layer: 'device',
    name: 'headset buttons',
    run: () => checkHeadsets(config.headset.buttons),
  });
  yield await runCheck({
    layer: 'media',
    name: 'recordings',
    run: () => checkRecordings(config.recording),
  });
  yield await runCheck({
    layer: 'config',
    name: 'location',
    run: () => checkLocation(config.location),
  });
  let status: EngineStatus | undefined;
  yield await runCheck({
    layer: 'control',
    name: 'engine',
    run: async () => {
      status = await runningEngine(options.stateDir);
      if (status === undefined) return warn('no engine runs', 'start it: offhook-engine run');
      const { state, message } = status.worker;
      const text = `process ${status.pid}, ${status.calls} calls, worker ${state}`;
      return state === 'up' ? ok(text) : fail(`${text}: ${message}`, 'see the log of the engine');
    },
  });
  for (const address of status?.listen ?? []) {
    yield await runCheck({ layer: 'channel', name: 'channel', run: () => greet(address) });
  }
  for (const desktop of status?.desktops ?? []) {
    yield await runCheck({
      layer: 'channel',
      name: 'desktop',
      run: () => Promise.resolve(checkDesktop(desktop)),
    });
  }
}

const workerExecutable: Check = {
  layer: 'worker',
  name: 'executable',
  run: async () => {
    const path = workerPath();
    try {
      await access(path, constants.X_OK);
      return ok(path);
    } catch {
      return fail(`${path} is not there or cannot be run`, 'build it: npm run build');
    }
  },
};

async function* withWorker(config: EngineConfig): AsyncGenerator<CheckResult> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-doctor-'));
  let plane: MediaPlane | undefined;
  try {
    const started = await runCheck({
      layer: 'worker',
      name: 'start',
      run: async () => {
        const since = performance.now();
        plane = await createGStreamerPlane({
          workerPath: workerPath(),
          socketPath: join(directory, 'worker.sock'),
          leaseMs: WORKER_LEASE_MS,
          logger: silentLogger,
        });
        return ok(`a worker serves after ${Math.round(performance.now() - since)} ms`);
      },
    });
    yield started;
    const running = plane;
    if (running === undefined) return;
    yield await runCheck({
      layer: 'device',
      name: 'devices',
      run: () => checkDevices(running, config),
    });
    yield await runCheck({
      layer: 'media',
      name: 'loop-back',
      run: () => checkLoopBack(running, directory),
    });
  } finally {
    await plane?.close({ stopWorker: true });
    await rm(directory, { recursive: true, force: true });
  }
}

async function checkDevices(plane: MediaPlane, { audio }: EngineConfig) {
  const devices = await plane.listDevices();
  const real = devices.filter(({ id, present }) => present && /^(pulse|alsa):/u.test(id));
  const absent = (['input', 'output', 'ringer'] as const).filter((role) => {
    const id = audio[role];
    if (id !== 'default' && !/^(pulse|alsa):/u.test(id)) return false;
    return !devices.some((one) => one.id === id && one.present && one.roles.includes(role));
  });
  if (absent.length > 0) {
    return warn(
      `no device for ${absent.map((role) => `${role} (${audio[role]})`).join(', ')}: that is silent`,
      'plug one in, start PulseAudio or PipeWire, or name another under [audio]',
    );
  }
  return ok(`${real.length} devices; uses ${audio.input}, ${audio.output}, ${audio.ringer}`);
}

/** @param roots Where input devices are; the system's by default. */
export async function checkHeadsets(wanted: string, roots?: InputRoots) {
  const all = await findHeadsets(wanted, roots);
  const shut = all.filter(({ readable }) => !readable);
  if (shut.length > 0) {
    return warn(
      `not allowed to read ${shut.map(({ name, path }) => `${name} (${path})`).join(', ')}`,
      'offhook-engine install writes a udev rule for the person at the screen: plug the headset in again; elsewhere, add the user to the group input',
    );
  }
  if (wanted === 'off') return ok('off by configuration');
  if (all.length === 0)
    return ok(wanted === 'auto' ? 'no headset that has some' : `none of ${wanted}`);
  return ok([...new Set(all.map(({ name }) => name))].join(', '));
}

async function runningEngine(stateDir: string): Promise<EngineStatus | undefined> {
  try {
    const client = await connectControl(controlSocket(stateDir));
    try {
      return await client.call('status', {}, { result: engineStatus });
    } finally {
      await client.close();
    }
  } catch (error) {
    if (isOffhookError(error, 'not-reachable')) return undefined;
    throw error;
  }
}

function checkDesktop({ address, port, state, message, remedy }: LinkReport) {
  if (state === 'linked') return ok(`${address}: port ${port} is ours`);
  if (state === 'idle') return ok(`${address}: no viewer is open`);
  return fail(`${address}: ${state}${message === '' ? '' : `: ${message}`}`, remedy);
}

/** Says HELLO as a guest would, and leaves again. TLS is only connected to where no key is asked for. */
async function greet(address: string) {
  const channel = await connectChannel(address, { tls: { verify: false } });
  const guest = await connectMedia(channel, { instanceId: `doctor-${process.pid}`, leaseMs: 0 });
  await guest.close();
  return ok(`${address} answers`);
}
