import { systemClock } from '@offhook/common/clock';
import { render } from 'ink';
import { connectDaemon, type DaemonClient } from '../control/client.ts';
import type { Paths } from '../paths.ts';
import { PhoneApp } from './phone-app.tsx';
import { PhoneStore } from './store.ts';
import { themeFor } from './theme.ts';

/** Runs until the person leaves. Nothing but the screen ends: calls belong to the daemon. */
export async function runTui(options: {
  readonly paths: Paths;
  /** An open connection to the daemon, to begin with. */
  readonly daemon: DaemonClient;
  readonly notice: string | undefined;
}): Promise<void> {
  let first: DaemonClient | undefined = options.daemon;
  const store = new PhoneStore({
    clock: systemClock,
    connect: () => {
      const daemon = first;
      first = undefined;
      return daemon === undefined ? connectDaemon(options.paths) : Promise.resolve(daemon);
    },
  });
  await store.start();
  if (options.notice !== undefined) store.notify(options.notice);
  const app = render(
    <PhoneApp
      store={store}
      actions={store}
      theme={themeFor(process.env)}
      now={Date.now}
      onQuit={() => app.unmount()}
      onRing={bell}
    />,
    { exitOnCtrlC: false, alternateScreen: true, incrementalRendering: true, interactive: true },
  );
  const leave = () => app.unmount();
  process.once('SIGTERM', leave);
  process.once('SIGHUP', leave);
  await app.waitUntilExit();
  await store.close();
}

function bell(): void {
  process.stdout.write('\u0007');
}
