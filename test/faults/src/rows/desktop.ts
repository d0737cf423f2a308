import { join } from 'node:path';
import { findProgram, ManagedProcess, within } from '@offhook/test-sipp';
import type { Context, Measure, Part, RowId, Target } from '../row.ts';

const E2E = join(import.meta.dirname, '../../../e2e/src/main.ts');
/** A virtual machine with an emulated processor takes its time. */
const DEADLINE_MS = 20 * 60_000;

/** How one scenario in the virtual machine went. */
interface Heard {
  readonly passed: boolean;
  /** What it printed above its verdict. */
  readonly notes: readonly string[];
}

let run: Promise<ReadonlyMap<string, Heard>> | undefined;

/** The suite with the virtual machine is run once for all its rows. */
function inDesktop(context: Context): Promise<ReadonlyMap<string, Heard>> {
  run ??= play(context);
  return run;
}

async function play({ directory, say, signal }: Context): Promise<ReadonlyMap<string, Heard>> {
  say('faults: the rows with a virtual machine take some minutes');
  const suite = new ManagedProcess({
    name: 'e2e',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', E2E],
    logFile: join(directory, 'e2e.log'),
  });
  const stop = () => void suite.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await within('the suite with the virtual machine', DEADLINE_MS, suite.exited);
  } finally {
    signal.removeEventListener('abort', stop);
    await suite.stop();
  }
  return verdicts(suite.output);
}

/** `ok     NAME (12.3 s)` or `FAILED NAME (…)`; lines that are indented belong to the next verdict. */
export function verdicts(output: string): ReadonlyMap<string, Heard> {
  const found = new Map<string, Heard>();
  let notes: string[] = [];
  for (const line of output.split('\n')) {
    const [, verdict, name] = /^(ok {4}|FAILED) (.+) \([\d.]+ s\)$/.exec(line) ?? [];
    if (name !== undefined) {
      found.set(name, { passed: verdict !== 'FAILED', notes });
      notes = [];
    } else if (/^ {7}\S/.test(line)) {
      notes.push(line.trim());
    }
  }
  return found;
}

/**
 * A row that a scenario in the virtual machine proves: it fails when the far end has missed a single
 * packet, or the call does not work afterwards.
 */
function desktopPart(
  row: RowId,
  name: string,
  scenario: RegExp,
  options: { what: string; target: Target },
): Part {
  return {
    row,
    name,
    ...options,
    deadline: DEADLINE_MS + 60_000,
    core: false,
    inTable: true,
    missing: async () =>
      (await findProgram('qemu-system-x86_64')) === undefined
        ? 'qemu-system-x86_64 is not installed'
        : undefined,
    async run(context): Promise<Measure> {
      const all = await inDesktop(context);
      const found = [...all].find(([title]) => scenario.test(title));
      if (found === undefined) throw new Error(`no scenario ${scenario.source} came to a verdict`);
      const [title, { passed, notes }] = found;
      const ms = /after (\d+) ms|back (\d+) ms/.exec(notes.join('\n'));
      const controlMs = ms === null ? undefined : Number(ms[1] ?? ms[2]);
      return {
        gapMs: passed ? 0 : undefined,
        controlMs,
        survived: passed,
        detail: { scenario: title, notes, processor: 'emulated where there is no KVM' },
      };
    },
  };
}

/** The rows that need a desktop: QEMU with SPICE, the phone inside, the engine outside. */
export const desktopParts: readonly Part[] = [
  desktopPart('F1', 'spice', /SPICE connection is cut/, {
    what: 'the SPICE connection is cut in the middle of a call, and comes back',
    target: { gapMs: 0, controlMs: 100 },
  }),
  desktopPart('F2', 'link', /link.* is killed/, {
    what: 'the process of the SPICE link is killed and started again',
    target: { gapMs: 0, controlMs: 1000 },
  }),
  desktopPart('F3', 'link', /link is frozen/, {
    what: 'the process of the SPICE link is frozen',
    target: { gapMs: 0, controlMs: 5000 },
  }),
  ...['semi-seamless', 'seamless', 'switch-host'].map((mode) =>
    desktopPart('F8', mode, new RegExp(`live migration, ${mode}`), {
      what: `live migration of the virtual machine, ${mode}`,
      target: { gapMs: 0, ...(mode === 'seamless' ? {} : { controlMs: 1000 }) },
    }),
  ),
  desktopPart('F9', 'machine', /guest is paused/, {
    what: 'the virtual machine is paused in the middle of a call, and goes on',
    target: { gapMs: 0 },
  }),
];
