import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { memory, sumMemory, type Memory } from '../measure/proc.ts';
import { round } from '../measure/statistics.ts';
import { openTestbed } from '../measure/testbed.ts';
import { Reflector } from '../peers/reflector.ts';
import { Uac, type ProbeCall } from '../peers/uac.ts';
import { atMost, type Figures } from '../report.ts';

const CALLS = 50;
const SETTLE_MS = 3000;

/** Resident memory: shared pages count in full, so the figures stand on the safe side. */
export const p8: Benchmark = { id: 'P8', what: 'resident memory', run };

async function run({ say }: BenchmarkContext): Promise<Figures> {
  const testbed = await openTestbed();
  const uac = await Uac.open();
  const reflector = await Reflector.open();
  const calls: ProbeCall[] = [];
  const { engine, guest, worker } = testbed;
  try {
    const settle = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await settle();
    const idle = sumMemory([engine.process.pid, worker]);
    const idleOf = { engine: rounded(memory(engine.process.pid)), worker: rounded(memory(worker)) };
    const guestIdle = memory(guest.process.pid);
    // The first call loads codecs, which later ones share.
    const target = { user: 'bench', port: guest.port };
    await (await uac.call(target, reflector.offer('PCMA'))).hangup();
    const before = sumMemory([engine.process.pid, worker]);
    for (let count = 0; count < CALLS; count++) {
      calls.push(await uac.call(target, reflector.offer('PCMA')));
    }
    await settle();
    const busy = sumMemory([engine.process.pid, worker]);
    const guestBusy = memory(guest.process.pid);
    const perCall = (busy.rssMb - before.rssMb) / CALLS;
    say(`P8: idle ${round(idle.rssMb, 1)} MB, each of ${CALLS} calls ${round(perCall, 2)} MB`);
    const goal = (target: number) => ({ target, unit: 'MB', peer: 'none' });
    return {
      'P8.engine': atMost(goal(120), round(idle.rssMb, 1), {
        ...idleOf,
        sum: rounded(idle),
      }),
      'P8.call': atMost(goal(1), round(perCall, 3), {
        codec: 'PCMA',
        calls: CALLS,
        before: rounded(before),
        during: rounded(busy),
      }),
      'P8.guest': atMost(goal(120), round(guestIdle.rssMb, 1), {
        idle: rounded(guestIdle),
        [`with${CALLS}Calls`]: rounded(guestBusy),
      }),
    };
  } finally {
    await Promise.all(calls.map((call) => call.hangup()));
    uac.close();
    reflector.close();
    await testbed.close();
  }
}

function rounded({ rssMb, pssMb }: Memory): Memory {
  return { rssMb: round(rssMb, 1), pssMb: round(pssMb, 1) };
}
