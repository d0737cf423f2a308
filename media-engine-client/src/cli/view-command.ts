import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exited, isOffhookError, OffhookError, withDeadline } from '@offhook/common';
import { exitCode } from '@offhook/common/cli';
import { desktopName } from '@offhook/virtual-channel/spice';
import { defaultPort, loadEngineConfig } from '../config.ts';
import type { LinkReport } from '../link/api.ts';
import { isSpiceAddress, readDesktop, type Desktop } from '../link/desktop.ts';
import { LinkClient, linkId } from '../link/link-client.ts';
import { ownCommand } from '../own-command.ts';
import type { EngineStatus } from '../control/api.ts';
import { ask } from './client.ts';
import { clean, type Context } from './output.ts';
import { startEngine } from './start-engine.ts';

const START_MS = 20_000;
const POLL_MS = 50;

/**
 * Opens a desktop in the user's own viewer, by way of a link that carries the guest's port to the
 * engine. Ends with the viewer, and with its success or failure.
 */
export async function view(
  context: Context,
  name: string,
  { viewer, words }: { viewer: string | undefined; words: readonly string[] },
): Promise<void> {
  const { stateDir, output } = context;
  const config = loadEngineConfig(context.config);
  const text = isSpiceAddress(name) ? name : readFile(name);
  const desktop = readDesktop(text);
  // As the viewer would have done with it.
  if (desktop.deleteThisFile) rmSync(name, { force: true });
  await startEngine(stateDir, context.config);

  const port = config.spice?.port ?? defaultPort;
  const place = { stateDir, command: ownCommand() };
  const link = await LinkClient.open(place, await linkFor(desktop, stateDir), port);
  const directory = mkdtempSync(join(tmpdir(), 'offhook-view-'));
  try {
    await link.use(text, undefined);
    const say = sayer((line) => output.err(`offhook-engine: ${clean(line)}\n`));
    await link.follow(say.report);
    link.onClose((error) => {
      if (error !== undefined)
        say.line('the link to the desktop has ended, and the viewer with it');
    });
    const file = join(directory, fileName(desktop));
    writeFileSync(file, await link.admit(), { mode: 0o600 });
    const command = viewer === undefined ? config.viewer.command : [viewer];
    const code = await runViewer([...command, ...words, file]);
    process.exitCode = code === 0 ? exitCode.ok : exitCode.failed;
  } finally {
    await link.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The link that has the desktop, which may have come to this address by a move; or that of the address. */
async function linkFor({ source }: Desktop, stateDir: string): Promise<string> {
  const { desktops } = await statusOf(stateDir);
  const name = desktopName(source);
  return desktops.find(({ address }) => address === name)?.id ?? linkId(source);
}

/** Of an engine that somebody else may just be starting. */
function statusOf(stateDir: string): Promise<EngineStatus> {
  const deadline = { layer: 'engine', what: 'starting the engine', ms: START_MS } as const;
  return withDeadline(deadline, async (signal) => {
    for (;;) {
      try {
        return await ask(stateDir, 'status', {});
      } catch (error) {
        if (!isOffhookError(error, 'starting')) throw error;
      }
      await delay(POLL_MS, undefined, { signal });
    }
  });
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `${path} cannot be read`, {
      cause: error,
      remedy: 'name a .vv file, or a desktop such as spice://HOST:PORT',
    });
  }
}

/** Viewers show the file's name while they have no title. */
function fileName({ file }: Desktop): string {
  return file === undefined ? 'desktop.vv' : 'console.vv';
}

/** Why the viewer shows no desktop, once for each reason; the viewer itself cannot know. */
function sayer(say: (line: string) => void) {
  let last = '';
  const line = (text: string) => {
    if (text !== last) say(text);
    last = text;
  };
  const report = ({ state, message, remedy }: LinkReport) => {
    if (state !== 'refused' || message === '') return;
    line(remedy === undefined ? message : `${message} (${remedy})`);
  };
  return { line, report };
}

/** Its exit code; 1 when a signal ended it. */
async function runViewer([program = '', ...words]: readonly string[]): Promise<number> {
  // It would send the viewer around us.
  const { SPICE_PROXY: _, ...env } = process.env;
  const child = spawn(program, words, { stdio: 'inherit', env });
  const failure = Promise.withResolvers<never>();
  child.once('error', (cause) =>
    failure.reject(
      new OffhookError('config', 'no-viewer', `${program} cannot be started`, {
        cause,
        remedy: 'install virt-viewer, or name another viewer with --viewer or [viewer] command',
      }),
    ),
  );
  const stop = () => child.kill('SIGTERM');
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    const { code } = await Promise.race([exited(child), failure.promise]);
    return code ?? 1;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
