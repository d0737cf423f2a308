import { readFileSync } from 'node:fs';
import { OffhookError, serveControl, systemClock, type Clock, type Logger } from '@offhook/common';
import type { TlsOptions } from '@offhook/virtual-channel';
import type { EngineConfig } from './config.ts';
import { CHANGED } from './control/api.ts';
import { controlHandlers } from './control/handlers.ts';
import { controlSocket, linksSocket, settingsPath, statePath } from './daemon-paths.ts';
import { Doors } from './doors.ts';
import { Engine } from './engine.ts';
import { HeadsetButtons } from './headset/headset-buttons.ts';
import type { InputRoots } from './headset/find.ts';
import type { MediaPlane } from './media-plane.ts';
import { ownCommand } from './own-command.ts';
import { settingsFile } from './settings.ts';

export interface DaemonOptions {
  readonly config: EngineConfig;
  readonly stateDir: string;
  readonly logger: Logger;
  /** Called when it is sure that no other engine has this state directory. */
  readonly createPlane: () => Promise<MediaPlane>;
  readonly clock?: Clock;
  /** How this program is started again, for links: the words before the command. */
  readonly command?: readonly string[];
  /** Where input devices are; the system's by default. */
  readonly inputs?: InputRoots;
}

export interface Daemon {
  readonly engine: Engine;
  /** Where guests connect, with real ports. */
  readonly listen: readonly string[];
  /** With `keepCalls` the worker goes on and the next engine adopts its calls. Idempotent. */
  close(options: { keepCalls: boolean }): Promise<void>;
}

/**
 * The engine as a service: channels for guests, the control socket for the person here. Resolves
 * when guests can connect.
 *
 * @throws OffhookError of layer `control` or `channel` when a socket cannot be had, `config` when a
 * certificate cannot be read, `worker` when the worker does not run.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, stateDir, logger, clock = systemClock, command = ownCommand() } = options;
  const tls = readTls(config.engine.tls);
  const undo: ((keepCalls: boolean) => Promise<void>)[] = [];
  const close = async ({ keepCalls }: { keepCalls: boolean }) => {
    // Last in, first out: nobody comes in any more before the engine goes.
    for (const step of undo.splice(0).toReversed()) await step(keepCalls);
  };
  let engine: Engine | undefined;
  let doors: Doors | undefined;
  try {
    // The control socket is also the lock on the state directory.
    const control = await serveControl({
      path: controlSocket(stateDir),
      logger,
      methods: controlHandlers({
        startedAt: clock.wall(),
        listen: () => doors?.addresses ?? [],
        desktops: () => doors?.desktops ?? [],
        engine: () => {
          if (engine === undefined) {
            throw new OffhookError('control', 'starting', 'the engine is about to start');
          }
          return engine;
        },
      }),
    });
    undo.push(() => control.close());
    const plane = await options.createPlane();
    undo.push((keepCalls) => plane.close({ stopWorker: !keepCalls }));
    const settings = settingsFile(settingsPath(stateDir), logger);
    const state = settingsFile(statePath(stateDir), logger, 'leases and last wills');
    const started = await Engine.start({ plane, config, settings, state, logger, clock });
    engine = started;
    undo.push((keepCalls) => started.close({ keepCalls }));
    started.onChange(() => control.publish(CHANGED, {}));
    const entrance = new Doors(started, logger, clock);
    doors = entrance;
    undo.push(() => entrance.close());
    const buttons = new HeadsetButtons({
      wanted: config.headset.buttons,
      clock,
      logger,
      ...(options.inputs === undefined ? {} : { roots: options.inputs }),
    });
    undo.push(() => buttons.close());
    buttons.on('pressed', (button) => started.press(button));
    await buttons.start();
    for (const address of config.engine.listen) await entrance.open(address, tls);
    const onChange = () => control.publish(CHANGED, {});
    await entrance.openLinks(linksSocket(stateDir), onChange);
    if (config.spice !== undefined) {
      entrance.openDesktop(config.spice, { stateDir, command }, onChange);
    }
    logger.info({ listen: entrance.addresses }, 'guests can connect');
    return { engine: started, listen: entrance.addresses, close };
  } catch (error) {
    // A worker that was started for nothing goes again; one that has calls waits for another engine.
    const calls = engine?.sessions.table.all.length;
    await close({ keepCalls: calls === undefined || calls > 0 });
    throw error;
  }
}

function readTls(tls: EngineConfig['engine']['tls']): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  const { cert, key, ca } = tls;
  return {
    cert: readPem(cert, 'cert'),
    key: readPem(key, 'key'),
    ...(ca === undefined ? {} : { ca: readPem(ca, 'ca'), requireClientCertificate: true }),
  };
}

function readPem(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `engine.tls.${name}: ${path} cannot be read`, {
      cause: error,
    });
  }
}
