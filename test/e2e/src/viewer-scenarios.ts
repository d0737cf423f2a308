import { goesOn } from './going-on.ts';
import type { Scenario } from './scenario.ts';
import { Viewer } from './viewer.ts';

export const viewerScenarios: readonly Scenario[] = [
  {
    name: 'remote-viewer is opened, closed and opened again in the middle of a call',
    modes: ['viewer'],
    async run(stage) {
      await stage.linked();
      const talk = await stage.talking();
      const first = await Viewer.open(stage);
      await goesOn(stage, talk);
      await first.stop();
      // The engine wants the port without a viewer, too.
      await goesOn(stage, talk);
      await Viewer.open(stage);
      await goesOn(stage, talk);
      await stage.hangUp(talk);
    },
  },
  {
    name: 'a call comes in and a second viewer takes the desktop over from the first',
    modes: ['viewer'],
    async run(stage) {
      await stage.linked();
      await Viewer.open(stage);
      await stage.vm.phone.engineConnected(60_000);
      const placed = await stage.receive('uac-call.xml');
      await stage.soundBothWays(placed);
      await Viewer.open(stage);
      await stage.vm.phone.engineConnected(60_000);
      await stage.vm.phone.becomes(placed.call, 'ended', 20_000);
      await placed.sipp.done();
    },
  },
];
