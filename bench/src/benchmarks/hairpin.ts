import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exited, OffhookError } from '@offhook/common';
import { systemImage } from '@offhook/test-e2e';
import { cable, Namespace, Scope, seeded } from '@offhook/test-sipp';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { HOST, LINE, TAP } from '../hairpin/addresses.ts';
import { hairpinFigures } from '../hairpin/analysis.ts';
import { lineTable, lineText } from '../hairpin/lines.ts';
import type { Line, MeasureOptions, MeasureReport } from '../hairpin/options.ts';
import { plot } from '../hairpin/plot.ts';
import type { Figures } from '../report.ts';

/** Fewer sessions say little, and figures of theirs are never met. */
const SESSIONS = 5;
/** The SPICE path of the second table; the first has neither delay nor loss. */
const LINES: readonly Line[] = [0, 40, 100].flatMap((delayMs) =>
  [0, 1, 3].map((lossPercent) => ({ delayMs, lossPercent })),
);
const QUICK_LINES: readonly Line[] = [{ delayMs: 40, lossPercent: 1 }];

/** The same call twice: sound straight from the thin client, and through guest and SPICE. */
export const hairpin: Benchmark = {
  id: 'hairpin',
  what: 'a redirected call beside the same call hair-pinned through the desktop: P1, P3–P5',
  run,
};

async function run(context: BenchmarkContext): Promise<Figures> {
  const { say, options } = context;
  const report = await measure(context);
  for (const line of lineText(lineTable(report.sessions))) say(line);
  const figures = hairpinFigures(report, seeded(1));
  if (options.svg !== undefined) await writeFile(options.svg, plot(report, new Date()));
  return figures;
}

/** Two network namespaces: the host with the guest and the far end of its calls, and the thin client. */
async function measure({ options, signal }: BenchmarkContext): Promise<MeasureReport> {
  await systemImage('sound');
  const scope = new Scope();
  try {
    // Sockets live in there, and their paths must be short.
    const directory = await mkdtemp(join(tmpdir(), 'offhook-hairpin-'));
    scope.defer(() => rm(directory, { recursive: true, force: true }));
    const host = scope.use(await Namespace.create('host'));
    const client = scope.use(await Namespace.create('client'));
    await cable(
      { namespace: host, address: `${LINE.host}/24` },
      { namespace: client, address: `${LINE.client}/24` },
    );
    const user = String(process.getuid?.() ?? 0);
    await host.run('ip', 'tuntap', 'add', 'dev', TAP, 'mode', 'tap', 'user', user);
    await host.run('ip', 'address', 'add', `${HOST}/24`, 'dev', TAP);
    await host.run('ip', 'link', 'set', TAP, 'up');
    await client.run('ip', 'route', 'add', `${HOST}/32`, 'via', LINE.host);
    const report = join(directory, 'report.json');
    const sessions = options.sessions ?? SESSIONS;
    const worth: MeasureOptions = {
      directory,
      report,
      client: client.name,
      sessions,
      lines: sessions < SESSIONS ? QUICK_LINES : LINES.slice(1),
    };
    const script = join(import.meta.dirname, '../hairpin/measure.ts');
    const args = ['--disable-warning=ExperimentalWarning', script, JSON.stringify(worth)];
    const program = host.wrap({ command: process.execPath, args });
    const child = spawn(program.command, program.args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      signal,
    });
    const { code } = await exited(child);
    if (code !== 0) throw new OffhookError('system', 'ended-early', 'the measurement broke off');
    return JSON.parse(await readFile(report, 'utf8')) as MeasureReport;
  } finally {
    await scope.close();
  }
}
