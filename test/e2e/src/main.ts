// npm run test:e2e: the phone in a virtual machine, the engine outside, SPICE between them.
//   --filter TEXT   scenarios with that in their name    --junit FILE   a report for machines
//   --prepare       only make the guest's system         --keep         keep the logs of a good run
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findAccelerator } from './accelerator.ts';
import { makeCertificates } from './certificates.ts';
import { file } from './cpio.ts';
import { guestImage, systemImage } from './image.ts';
import { Pbx } from './pbx.ts';
import { Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { Stage, TICKET } from './stage.ts';
import { joinRamdisk, Vm } from './vm.ts';

/** Of each log, when a run has failed. */
const LAST_LINES = 40;

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    junit: { type: 'string' },
    keep: { type: 'boolean', default: false },
    prepare: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const chosen = scenarios.filter(({ name }) => name.includes(values.filter));
  if (chosen.length === 0) {
    console.error(`e2e: no scenario has "${values.filter}" in its name`);
    return 2;
  }
  const report = new Report(chosen, values.junit);
  const directory = await mkdtemp(join(tmpdir(), 'offhook-e2e-'));
  const since = performance.now();
  try {
    await perform(chosen, report, directory);
  } catch (error) {
    report.giveUp(explain(error));
    console.log(`e2e: ${explain(error)}`);
  }
  for (const line of report.summary()) console.log(line);
  const good = report.passed.length === chosen.length;
  console.log(`e2e: ${seconds(since)} s`);
  if (good && !values.keep) await rm(directory, { recursive: true, force: true });
  else console.log(`e2e: logs are in ${directory}`);
  if (!good) await showLogs(directory);
  return good ? 0 : 1;
}

/** @throws when the rest of the scenarios cannot run. */
async function perform(
  chosen: readonly Scenario[],
  report: Report,
  directory: string,
): Promise<void> {
  const since = performance.now();
  const pbx = await Pbx.start(directory);
  try {
    const stage = await setUp(directory, pbx);
    const { accelerator } = stage;
    console.log(
      `e2e: the guest is up after ${seconds(since)} s, with ${accelerator.toUpperCase()}`,
    );
    await performOn(stage, chosen, report);
  } finally {
    await pbx.stop();
  }
}

async function setUp(directory: string, pbx: Pbx): Promise<Stage> {
  const config = await readFile(join(import.meta.dirname, '../guest/guest.toml'), 'utf8');
  const phone = file('app/guest.toml', `${config}\n${pbx.account}\n`);
  const image = await guestImage(directory, 'phone', [phone]);
  const accelerator = await findAccelerator(image.kernel);
  const ramdisk = await joinRamdisk(image, directory);
  const certificates = await makeCertificates(directory);
  const machine = {
    directory,
    certificates,
    kernel: image.kernel,
    ramdisk,
    accelerator,
    ticket: TICKET,
  };
  return new Stage(await Vm.start({ ...machine, name: 'first' }), machine, pbx);
}

async function performOn(stage: Stage, chosen: readonly Scenario[], report: Report): Promise<void> {
  try {
    for (const scenario of chosen) {
      const started = performance.now();
      const failure = await stage.perform(scenario).then(() => undefined, explain);
      report.add(scenario, performance.now() - started, failure);
      console.log(
        `${failure === undefined ? 'ok    ' : 'FAILED'} ${scenario.name} (${seconds(started)} s)`,
      );
      if (failure === undefined) continue;
      console.log(failure);
      await stage.recover();
    }
  } finally {
    await stage.close();
  }
}

/** For a machine that keeps no files of a failed run. */
async function showLogs(directory: string): Promise<void> {
  const names = await readdir(directory);
  for (const name of names.filter((one) => /^(guest|engine).*\.log$/.test(one)).toSorted()) {
    const lines = (await readFile(join(directory, name), 'utf8')).trim().split('\n');
    console.log(`\n── the end of ${name} ──\n${lines.slice(-LAST_LINES).join('\n')}`);
  }
}

function explain(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

if (values.prepare) await systemImage();
else process.exitCode = await main();
