import { OffhookError } from '@offhook/common';
import type { CheckResult } from '../doctor/check.ts';
import { examine } from '../doctor/engine-checks.ts';
import { clean, type Context } from './output.ts';

/** One line for each check as it is done; fails when one of them has failed. */
export async function doctor({ stateDir, config, json, output }: Context): Promise<void> {
  const checks: CheckResult[] = [];
  for await (const check of examine({ stateDir, configPath: config })) {
    checks.push(check);
    if (!json) output.out(`${line(check)}\n`);
  }
  const failed = checks.filter(({ status }) => status === 'fail');
  if (json) output.out(`${JSON.stringify({ ok: failed.length === 0, checks })}\n`);
  if (failed.length > 0) {
    const layers = [...new Set(failed.map(({ layer }) => layer))].join(', ');
    throw new OffhookError('system', 'said', `checks failed: ${layers}`);
  }
}

function line({ status, layer, name, message, remedy }: CheckResult): string {
  const text = `${status.padEnd(4)}  ${layer.padEnd(8)} ${name}: ${clean(message)}`;
  return remedy === undefined ? text : `${text}\n      → ${remedy}`;
}
