import { connectControl, systemClock } from '@offhook/common';
import { render } from 'ink';
import { controlSocket } from '../daemon-paths.ts';
import { EngineApp } from './engine-app.tsx';
import { EngineStore } from './store.ts';

/** Runs until the person leaves. Nothing but the screen ends: calls belong to the engine. */
export async function runUi(stateDir: string): Promise<void> {
  const store = new EngineStore({
    clock: systemClock,
    connect: () => connectControl(controlSocket(stateDir)),
  });
  await store.start();
  const app = render(
    <EngineApp
      store={store}
      actions={store}
      colour={(process.env['NO_COLOR'] ?? '') === ''}
      now={Date.now}
      onQuit={() => app.unmount()}
    />,
    { exitOnCtrlC: false, alternateScreen: true, incrementalRendering: true, interactive: true },
  );
  const leave = () => app.unmount();
  process.once('SIGTERM', leave);
  process.once('SIGHUP', leave);
  await app.waitUntilExit();
  await store.close();
}
