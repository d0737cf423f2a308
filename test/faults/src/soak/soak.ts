import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seeded, until, type TomlTable } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import type { Call } from '../call.ts';
import type { Context } from '../row.ts';
import { engineCalls, takeCensus, type Census } from './census.ts';
import { soakFaults, type SoakFault } from './faults.ts';

export interface SoakOptions {
  readonly faults: number;
  readonly calls: number;
  /** Only faults whose name fits this regular expression. */
  readonly only?: string | undefined;
}

export interface SoakReport {
  readonly faults: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly callsPlaced: number;
  readonly first: Census;
  readonly last: Census;
}

const LINES = ['alice', 'secure', 'alice', 'alice'] as const;
/** After so many faults everything is counted. */
const CENSUS_EVERY = 10;
const REPORT_EVERY = 50;
/** How often another fault comes before the first is over. */
const OVERLAP = 0.2;
/** How often a call is ended after a fault, and another one placed. */
const REPLACED = 0.15;
const MINUTE = 60_000;

/**
 * Breaks random parts at random moments of several calls, and checks after each that every call is
 * there, is heard, and can be ruled, and that nothing is left over. Fails at the first that is not.
 */
export async function soak(context: Context, options: SoakOptions): Promise<SoakReport> {
  const random = seeded(context.seed);
  const bed = await Bed.open(context, { channel: 'tcp', engine: QUIET, guest: QUIET_GUEST });
  const calls: Call[] = [];
  let placed = 0;
  const place = async () => calls.push(await bed.call({ line: LINES[placed++ % 4] ?? 'alice' }));
  while (calls.length < options.calls) await place();
  const first = await takeCensus(bed, calls.length);
  const chooser = new Chooser(random, options.only);
  const history: string[] = [];
  let last = first;
  try {
    for (let count = 1; count <= options.faults; count++) {
      context.signal.throwIfAborted();
      const fault = chooser.next();
      const second = random() < OVERLAP && count < options.faults ? chooser.next() : undefined;
      history.push(second === undefined ? fault.name : `${fault.name} + ${second.name}`);
      await fault.run(bed, random);
      if (second !== undefined) {
        await second.run(bed, random);
        count++;
      }
      await allIsWell(bed, calls);
      const [call] =
        random() < REPLACED ? calls.splice(Math.floor(random() * calls.length), 1) : [];
      if (call !== undefined) {
        // It is not only there: both ends can still change it, and end it.
        await call.dialogWorks();
        await call.end();
        await call.close();
        await place();
      }
      if (count % CENSUS_EVERY === 0) last = await takeCensus(bed, calls.length, first);
      if (count % REPORT_EVERY === 0) {
        context.say(`soak: ${count} faults; MB ${JSON.stringify(last.memoryMb)}`);
      }
    }
    for (const call of calls) await call.end();
    last = await takeCensus(bed, 0, first);
  } catch (error) {
    await leaveState(bed, calls).catch(() => undefined);
    context.say(`soak: the last faults were: ${history.slice(-5).join(', ')}`);
    throw error;
  }
  return { faults: options.faults, counts: chooser.counts, callsPlaced: placed, first, last };
}

const QUIET: Readonly<Record<string, TomlTable>> = {
  audio: { output: 'null' },
  engine: { log_level: 'info' },
};
const QUIET_GUEST: Readonly<Record<string, TomlTable>> = {
  log: { level: 'info', sip_trace: false },
};

async function allIsWell(bed: Bed, calls: readonly Call[]): Promise<void> {
  await bed.phone.engineConnected(20_000);
  await bed.controlBack(performance.now());
  for (const call of calls) {
    await until(
      `call ${call.id} to be established`,
      async () => (await bed.phone.get(call.id)).state === 'established',
      { within: 5000, signal: bed.context.signal },
    );
  }
  // Port and key may have been changed by a re-INVITE.
  await Promise.all(
    calls.map(async (call) => {
      const { mark } = call;
      await until(
        `call ${call.id} to be heard`,
        () => {
          call.followPhone();
          return call.mark >= mark + 8;
        },
        { within: 8000, every: 20, seen: () => `${call.mark - mark} packets` },
      );
    }),
  );
}

/** Faults by their weights, as often as what supervises the parts bears. */
class Chooser {
  readonly counts: Record<string, number> = {};
  readonly #random: () => number;
  readonly #faults: readonly SoakFault[];
  readonly #times = new Map<SoakFault, number[]>();

  constructor(random: () => number, only: string | undefined) {
    this.#random = random;
    const fits = new RegExp(only ?? '');
    this.#faults = soakFaults.filter(({ name }) => fits.test(name));
    if (this.#faults.length === 0) throw new Error(`no fault is called ${only}`);
  }

  next(): SoakFault {
    const all = this.#faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
    for (let tries = 0; ; tries++) {
      const fault = all[Math.floor(this.#random() * all.length)];
      if (fault === undefined) throw new Error('there is no fault');
      const now = performance.now();
      const times = (this.#times.get(fault) ?? []).filter((at) => now - at < MINUTE);
      if (times.length >= (fault.perMinute ?? Infinity) && tries < 100) continue;
      this.#times.set(fault, [...times, now]);
      this.counts[fault.name] = (this.counts[fault.name] ?? 0) + 1;
      return fault;
    }
  }
}

/** What either side thinks of the calls, for whoever looks into a failure. */
async function leaveState(bed: Bed, calls: readonly Call[]): Promise<void> {
  const { directory } = bed.context;
  const [engine, phone] = [await engineCalls(join(directory, 'engine')), await bed.phone.calls()];
  const far = calls.map(({ id, mark, far: { port, target } }) => ({ id, mark, port, target }));
  const text = JSON.stringify({ engine, phone, far }, undefined, 1);
  await writeFile(join(directory, 'state.json'), text);
}
