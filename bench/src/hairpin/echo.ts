import { Scope } from '@offhook/test-sipp';

import type { Bed } from './bed.ts';
import { DIRECT, type EchoReport } from './options.ts';

/** Round trips from a program in the guest to the engine outside, as that program measures them. */
export async function measureEcho(bed: Bed): Promise<EchoReport> {
  const scope = new Scope();
  try {
    await bed.connect(scope, 'redirected', DIRECT);
    return JSON.parse(await bed.vm.ask('program')) as EchoReport;
  } finally {
    await scope.close();
  }
}
