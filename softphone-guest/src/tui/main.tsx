import { systemClock } from '@offhook/common';
import { render } from 'ink';
import type { Paths } from '../paths.ts';
import { PhoneApp } from './phone-app.tsx';
import { PhoneStore } from './store.ts';
import { themeFor } from './theme.ts';

/** Runs until the person leaves. Nothing but the screen ends: calls belong to the daemon. */
export async function runTui(options: { paths: Paths; notice: string | undefined }): Promise<void> {
  const store = PhoneStore.forDaemon(options.paths, systemClock);
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
