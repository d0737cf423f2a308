import { cp, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Scope } from '../infra/scope.ts';
import { within } from '../infra/wait.ts';
import { EngineProcess } from '../phone/engine-process.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { LINES, type Lane } from './lane.ts';
import type { Outcome } from './result.ts';
import { networks, type Scenario } from './scenario.ts';
import { Stage } from './stage.ts';

const CLEAN_UP_MS = 15_000;

/** Runs one scenario on a lane; never rejects. */
export async function runScenario(
  scenario: Scenario,
  lane: Lane,
  options: {
    directory: string;
    kept: string;
    keepAll: boolean;
    signal: AbortSignal;
    shared: boolean;
  },
): Promise<Outcome> {
  const directory = join(options.directory, scenario.id);
  const own = new Scope();
  const deadline = AbortSignal.timeout(scenario.deadline);
  const signal = AbortSignal.any([options.signal, deadline]);
  let stage: Stage | undefined;
  const failures: string[] = [];
  try {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    stage = await setUp(scenario, lane, { directory, signal, own });
    await within(`scenario ${scenario.id}`, scenario.deadline, scenario.run(stage));
  } catch (error) {
    failures.push(describe(error));
    if (stage !== undefined) failures.push(stage.explain());
  }
  for (const scope of [stage?.scope, own]) {
    if (scope === undefined) continue;
    await within('the clean-up', CLEAN_UP_MS, scope.close()).catch((error: unknown) =>
      failures.push(`clean-up: ${describe(error)}`),
    );
  }
  if (!options.shared) {
    const complaint = await lane.complaint().catch(describe);
    if (complaint !== undefined) failures.push(complaint);
  }
  const kept = join(options.kept, scenario.id);
  if (failures.length > 0 || options.keepAll) await keep(directory, kept);
  if (failures.length === 0) return { kind: 'passed' };
  await keep(lane.directory, join(kept, 'lane'));
  // Whatever went wrong, the next scenario must not suffer from it.
  if (!options.shared) await lane.reset();
  return { kind: 'failed', message: failures.join('\n'), directory: kept };
}

async function setUp(
  scenario: Scenario,
  lane: Lane,
  { directory, signal, own }: { directory: string; signal: AbortSignal; own: Scope },
): Promise<Stage> {
  const { setting } = scenario;
  const parts = { id: scenario.id, directory, signal, network: networks[scenario.network] };
  if (setting.phone === 'none') return new Stage({ ...parts, engine: undefined, guest: undefined });
  const engine =
    setting.engine === undefined
      ? await lane.engine()
      : own.use(await EngineProcess.start({ directory, config: setting.engine, signal }));
  if (setting.phone === 'own') return new Stage({ ...parts, engine, guest: undefined });
  const standard =
    setting.accounts === undefined && setting.guest === undefined && setting.engine === undefined;
  if (standard) return new Stage({ ...parts, engine, guest: await lane.guest() });
  const accounts =
    typeof setting.accounts === 'function'
      ? await setting.accounts(new Stage({ ...parts, engine, guest: undefined }))
      : (setting.accounts ?? LINES);
  const guest = own.use(
    await GuestProcess.start({
      directory,
      channel: engine.channel,
      accounts,
      ...(setting.guest === undefined ? {} : { config: setting.guest }),
      signal,
    }),
  );
  await guest.phone.engineConnected();
  return new Stage({ ...parts, engine, guest });
}

/** Copies logs and captures; sockets cannot be copied, and are not missed. */
async function keep(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    filter: async (path) => {
      const entry = await stat(path).catch(() => undefined);
      return entry !== undefined && (entry.isFile() || entry.isDirectory());
    },
  }).catch(() => undefined);
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
