import { describeError, OffhookError } from './errors.ts';
import { printable } from './printable.ts';

/** Exit codes, the same for every Offhook command. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notReachable: 3,
  noSuch: 4,
  timeout: 5,
} as const;

const BY_CODE: Readonly<Record<string, number>> = {
  'unknown-call': exitCode.noSuch,
  'no-such-call': exitCode.noSuch,
  'no-such-connection': exitCode.noSuch,
  'bridge-unreachable': exitCode.notReachable,
  'no-such-device': exitCode.noSuch,
  ambiguous: exitCode.usage,
  'bad-target': exitCode.usage,
  'unknown-account': exitCode.usage,
  'invalid-params': exitCode.usage,
  timeout: exitCode.timeout,
};

/** Failures to get at the daemon's control socket at all. */
const UNREACHABLE = ['not-reachable', 'closed', 'permission-denied', 'path-too-long', 'starting'];

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OffhookError)) return exitCode.failed;
  if (error.layer === 'config') return exitCode.usage;
  if (error.layer === 'control' && UNREACHABLE.includes(error.code)) return exitCode.notReachable;
  return BY_CODE[error.code] ?? exitCode.failed;
}

/** Where a command writes: the process's streams, or a test's. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

export const processOutput: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

export function printJson(output: Output, value: unknown): void {
  output.out(`${JSON.stringify(value)}\n`);
}

/**
 * One line for people on standard error, begun with the command's name; with `json` also one object
 * on standard output.
 */
export function printError(output: Output, command: string, error: unknown, json: boolean): void {
  if (json) {
    const named = error instanceof OffhookError ? error : undefined;
    printJson(output, {
      error: {
        layer: named?.layer ?? 'system',
        code: named?.code ?? 'unexpected',
        message: error instanceof Error ? error.message : String(error),
        remedy: named?.remedy,
      },
    });
  }
  output.err(`${command}: ${printable(describeError(error))}\n`);
}
