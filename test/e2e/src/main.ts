// npm run test:e2e: the phone in a virtual machine, the engine outside, SPICE between them.
//   --junit FILE   a report for machines        --prepare   only make the guest's system
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { guestImage, systemImage } from './image.ts';
import { junit, type Outcome } from './junit.ts';
import { scenarios } from './scenarios.ts';
import { Stage, TICKET } from './stage.ts';
import { Vm } from './vm.ts';

const { values } = parseArgs({
  options: { junit: { type: 'string' }, prepare: { type: 'boolean', default: false } },
});

if (values.prepare) await systemImage();
else process.exitCode = await main(values.junit);

async function main(report: string | undefined): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-e2e-'));
  console.log('e2e: QEMU with TCG (no KVM), SPICE without TLS, no viewer, no migration');
  const since = performance.now();
  const outcomes: Outcome[] = [];
  const image = await guestImage(directory);
  const vm = await Vm.start({ directory, image, ticket: TICKET });
  console.log(`e2e: the guest is up after ${seconds(since)} s`);
  const stage = new Stage(vm, directory);
  try {
    for (const scenario of scenarios) {
      const started = performance.now();
      const failure = await scenario.run(stage).then(() => undefined, explain);
      await stage.clear();
      outcomes.push({ name: scenario.name, ms: performance.now() - started, failure });
      const verdict = failure === undefined ? 'ok    ' : 'FAILED';
      console.log(`${verdict} ${scenario.name} (${seconds(started)} s)`);
      if (failure === undefined) continue;
      console.log(failure);
      // The next would only fail for the same reason.
      break;
    }
  } finally {
    await stage.stopEngine();
    await vm.stop();
  }
  if (report !== undefined) await writeFile(report, junit('e2e', outcomes));
  const failed = outcomes.some(({ failure }) => failure !== undefined);
  console.log(`e2e: ${outcomes.length} of ${scenarios.length} scenarios in ${seconds(since)} s`);
  if (failed) console.log(`e2e: logs are in ${directory}`);
  else await rm(directory, { recursive: true, force: true });
  return failed ? 1 : 0;
}

function explain(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
