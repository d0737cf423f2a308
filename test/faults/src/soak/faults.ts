import { pause } from '@offhook/test-sipp';
import type { Bed } from '../bed.ts';

export interface SoakFault {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  /** At most so many in a minute: what supervises the part takes a rest otherwise. */
  readonly perMinute?: number;
  /** Breaks it and starts it again; `random` is the run's. */
  run(bed: Bed, random: () => number): Promise<void>;
}

/** What the soak breaks. What is down stays so for a random time. */
export const soakFaults: readonly SoakFault[] = [
  {
    name: 'worker killed',
    weight: 3,
    perMinute: 4,
    run: (bed) => bed.killWorker(),
  },
  {
    name: 'engine killed',
    weight: 3,
    async run(bed, random) {
      await bed.killEngine();
      await pause(300 * random());
      await bed.startEngine();
    },
  },
  {
    name: 'engine and worker killed',
    weight: 1,
    perMinute: 3,
    async run(bed) {
      await bed.killEngine();
      await bed.killWorker();
      await bed.startEngine();
    },
  },
  {
    name: 'engine frozen',
    weight: 2,
    async run(bed, random) {
      bed.engine.process.signal('SIGSTOP');
      await pause(1000 * random());
      bed.engine.process.signal('SIGCONT');
    },
  },
  {
    name: 'daemon killed',
    weight: 3,
    async run(bed, random) {
      await bed.killGuest();
      await pause(300 * random());
      await bed.startGuest();
    },
  },
  {
    name: 'daemon frozen',
    weight: 2,
    async run(bed, random) {
      bed.guest.process.signal('SIGSTOP');
      await pause(1000 * random());
      bed.guest.process.signal('SIGCONT');
    },
  },
  {
    name: 'channel cut',
    weight: 3,
    async run(bed, random) {
      bed.relay?.cut();
      await pause(1000 * random());
      bed.relay?.mend();
    },
  },
  {
    name: 'channel reset',
    weight: 2,
    run: (bed) => Promise.resolve(bed.relay?.reset()),
  },
  {
    name: 'channel frozen',
    weight: 2,
    async run(bed, random) {
      bed.relay?.freeze();
      await pause(1000 * random());
      bed.relay?.mend();
    },
  },
];
