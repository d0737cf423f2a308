import { isOffhookError, type Layer } from '@offhook/common';

type CheckStatus = 'ok' | 'warn' | 'fail';

/** One line of `doctor`. */
export interface CheckResult {
  readonly layer: Layer;
  readonly name: string;
  /** `warn`: something does not work that calls can do without. */
  readonly status: CheckStatus;
  readonly message: string;
  readonly remedy?: string;
}

export interface Check {
  readonly layer: Layer;
  readonly name: string;
  readonly run: () => Promise<CheckFinding>;
}

export type CheckFinding = Pick<CheckResult, 'status' | 'message' | 'remedy'>;

export const ok = (message: string): CheckFinding => ({ status: 'ok', message });

export function warn(message: string, remedy?: string): CheckFinding {
  return { status: 'warn', message, ...(remedy === undefined ? {} : { remedy }) };
}

export function fail(message: string, remedy?: string): CheckFinding {
  return { status: 'fail', message, ...(remedy === undefined ? {} : { remedy }) };
}

/** The check's finding; a check that breaks has failed, with what broke. */
export async function runCheck({ layer, name, run }: Check): Promise<CheckResult> {
  try {
    return { layer, name, ...(await run()) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const known = isOffhookError(error) ? error : undefined;
    return { layer: known?.layer ?? layer, name, ...fail(message, known?.remedy) };
  }
}
