import { createInterface } from 'node:readline';
import { systemClock } from '@offhook/common/clock';
import { render } from 'ink';
import { connectDaemon, type DaemonClient } from '../control/client.ts';
import type { Paths } from '../paths.ts';
import { PhoneApp } from './phone-app.tsx';
import { PlainScreen } from './plain/plain-screen.ts';
import { PhoneStore } from './store.ts';
import { themeFor } from './theme.ts';
import { keepTitle } from './title.ts';

/** ECMA-48: CUP to the first cell, ED to the end. */
const HOME_AND_ERASE = '\u001b[H\u001b[J';

/** Runs until the person leaves. Nothing but the screen ends: calls belong to the daemon. */
export async function runTui(options: {
  readonly paths: Paths;
  /** An open connection to the daemon, to begin with. */
  readonly daemon: DaemonClient;
  readonly notice: string | undefined;
}): Promise<void> {
  const store = newStore(options, () => app.unmount());
  await store.start();
  if (options.notice !== undefined) store.notify(options.notice);
  const app = render(
    <PhoneApp
      store={store}
      actions={store}
      theme={themeFor(process.env)}
      now={Date.now}
      onRing={() => {
        if (store.getState().screen.bell) bell();
      }}
    />,
    { exitOnCtrlC: false, alternateScreen: true, incrementalRendering: true, interactive: true },
  );
  // What a terminal makes of old lines at another width is its own affair (tmux wraps them anew), so a
  // frame that goes by where the last one stood would end up between them: begin anew, before ink draws.
  const wipe = () => {
    app.clear();
    process.stdout.write(HOME_AND_ERASE);
  };
  process.stdout.prependListener('resize', wipe);
  const titleBack = keepTitle(store, (sequence) => process.stdout.write(sequence));
  const leave = () => app.unmount();
  process.once('SIGTERM', leave);
  process.once('SIGHUP', leave);
  await app.waitUntilExit();
  titleBack();
  process.stdout.off('resize', wipe);
  await store.close();
}

/** The same without drawing: sentences out, lines in. */
export async function runPlain(options: {
  readonly paths: Paths;
  readonly daemon: DaemonClient;
  readonly notice: string | undefined;
}): Promise<void> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const store = newStore(options, () => lines.close());
  await store.start();
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const screen = new PlainScreen({ store, actions: store, say });
  screen.line('=');
  if (options.notice !== undefined) say(options.notice);
  process.once('SIGTERM', () => lines.close());
  process.once('SIGINT', () => lines.close());
  for await (const line of lines) screen.line(line);
  screen.close();
  await store.close();
}

function newStore(
  options: { readonly paths: Paths; readonly daemon: DaemonClient },
  onQuit: () => void,
): PhoneStore {
  let first: DaemonClient | undefined = options.daemon;
  return new PhoneStore({
    clock: systemClock,
    connect: () => {
      const daemon = first;
      first = undefined;
      return daemon === undefined ? connectDaemon(options.paths) : Promise.resolve(daemon);
    },
    onQuit,
  });
}

function bell(): void {
  process.stdout.write('\u0007');
}
