import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineProgram, ManagedProcess, until } from '@offhook/test-sipp';
import {
  startScreen,
  type Screen,
} from '../../../virtual-channel/test/integration/remote-viewer.ts';
import type { Scenario } from './scenario.ts';
import { TICKET, type Placed, type Stage } from './stage.ts';

/** A viewer that is opened by `offhook-engine view`, and its X server. */
interface OpenViewer {
  readonly screen: Screen;
  stop(): Promise<unknown>;
}

let count = 0;

/** Opens the desktop as a person does, and waits until the viewer shows it. */
async function openViewer(stage: Stage): Promise<OpenViewer> {
  const name = `viewer-${++count}`;
  const file = join(stage.directory, `${name}.vv`);
  const { port } = stage.vm.spice;
  await writeFile(
    file,
    `[virt-viewer]\ntype=spice\nhost=127.0.0.1\nport=${port}\npassword=${TICKET}\ntitle=${name}\ndelete-this-file=1\n`,
    { mode: 0o600 },
  );
  const screen = await startScreen();
  stage.use(screen);
  const config = join(stage.directory, 'engine.toml');
  const { stateDir } = stage.engine;
  const program = engineProgram(['view', file, '--state-dir', stateDir, '--config', config]);
  const viewer = stage.use(
    new ManagedProcess({
      name,
      ...program,
      env: { DISPLAY: screen.display, HOME: stage.directory },
      logFile: join(stage.directory, `${name}.log`),
    }),
  );
  await screen.titled(new RegExp(`${name} \\(1\\)`, 'u'), { ms: 30_000 });
  return { screen, stop: () => viewer.stop() };
}

/** Phone and engine work together on a call that has not missed a packet. */
async function goesOn(stage: Stage, talk: Placed & { check: () => void }, digits: string) {
  await stage.vm.phone.engineConnected(60_000);
  await stage.soundBothWays(talk);
  await stage.vm.phone.call('call.dtmf', { call: talk.call, digits: digits.at(-1) ?? '' });
  await until('the digit', () => talk.far.capture.digits(101) === digits, { within: 15_000 });
  talk.check();
  assert.equal((await stage.vm.phone.get(talk.call)).state, 'established');
}

export const viewerScenarios: readonly Scenario[] = [
  {
    name: 'remote-viewer is opened, closed and opened again in the middle of a call',
    modes: ['viewer'],
    async run(stage) {
      await stage.linked();
      const talk = await stage.talking();
      const first = await openViewer(stage);
      await goesOn(stage, talk, '1');
      await first.stop();
      // The engine wants the port without a viewer, too.
      await goesOn(stage, talk, '12');
      await openViewer(stage);
      await goesOn(stage, talk, '123');
      await stage.hangUp(talk);
    },
  },
  {
    name: 'a call comes in and a second viewer takes the desktop over from the first',
    modes: ['viewer'],
    async run(stage) {
      await stage.linked();
      await openViewer(stage);
      await stage.vm.phone.engineConnected(60_000);
      const placed = await stage.receive('uac-call.xml');
      await stage.soundBothWays(placed);
      await openViewer(stage);
      await stage.vm.phone.engineConnected(60_000);
      await stage.vm.phone.becomes(placed.call, 'ended', 20_000);
      await placed.sipp.done();
    },
  },
];
