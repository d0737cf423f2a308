import assert from 'node:assert/strict';
import { until } from '@offhook/test-sipp';
import type { Talk } from './going-on.ts';
import { linkOf } from './processes.ts';
import type { Stage } from './stage.ts';
import { Viewer } from './viewer.ts';
import type { Vm } from './vm.ts';

/**
 * Control has to be back that soon after the switch. An emulated processor begins at the other host
 * without any translated code, so that the phone alone needs a second or two for what takes milliseconds.
 */
const CONTROL_MS = { kvm: 1000, tcg: 5000 } as const;
/** Main and port; with a viewer display, inputs and cursor as well. */
const CHANNELS = { headless: 2, viewer: 5 } as const;

export interface MoveOptions {
  /** What the host that the desktop is on offers; the other one can do it in any case. */
  readonly seamless: boolean;
  /** The x509 directory of the other host. */
  readonly certificates?: string;
}

/** A call is up, and a host is there that the desktop can move to. */
export interface Departure {
  readonly talk: Talk;
  readonly host: Vm;
  /** The time from which on logs are of interest. */
  readonly since: number;
}

export async function aboutToMove(
  stage: Stage,
  { seamless, certificates }: MoveOptions,
): Promise<Departure> {
  await stage.standsAt({ seamless });
  const talk = await stage.talking();
  return { talk, ...(await hostToMoveTo(stage, certificates)) };
}

/** The same, with a remote-viewer that draws, opened by `open`; the plain port by default. */
export async function aboutToMoveWithViewer(
  stage: Stage,
  { seamless, certificates }: MoveOptions,
  open: () => Promise<Viewer> = () => Viewer.open(stage),
): Promise<Departure & { readonly viewer: Viewer }> {
  await stage.standsAt({ seamless });
  await stage.draws();
  const viewer = await open();
  // Wherever the desktop has come from.
  await linkOf(stage.engine.stateDir);
  await stage.vm.phone.engineConnected(60_000);
  const talk = await stage.talking();
  await viewer.draws();
  return { viewer, talk, ...(await hostToMoveTo(stage, certificates)) };
}

async function hostToMoveTo(stage: Stage, certificates: string | undefined) {
  const host = await stage.anotherHost({
    seamless: true,
    ...(certificates === undefined ? {} : { certificates }),
  });
  return { host, since: Date.now() };
}

/** Our client, and the viewer if there is one, stand at the other host as well. */
export async function clientsStandAt(host: Vm, who: keyof typeof CHANNELS): Promise<void> {
  let seen = 0;
  await until(
    'the client to stand at the other host',
    async () => {
      const reply = (await host.qmp.execute('query-spice')) as { channels?: readonly unknown[] };
      seen = reply.channels?.length ?? 0;
      return seen >= CHANNELS[who];
    },
    { within: 30_000, seen: () => `it has ${seen} channels there` },
  );
}

/** The phone had its engine again that long after the desktop had moved, by the engine's log. */
export async function controlBack(stage: Stage, since: number): Promise<void> {
  const moved = await stage.engineLogs('the desktop has moved', since, 30_000);
  const connected = await stage.engineLogs('guest connected', moved.at, 30_000);
  const took = connected.at - moved.at;
  console.log(`       control was back after ${took} ms`);
  assert.ok(took <= CONTROL_MS[stage.accelerator], `control was back only after ${took} ms`);
}

/** No byte was lost, so nothing had to begin anew. */
export async function nothingWasLost(stage: Stage, since: number): Promise<void> {
  const moved = await stage.engineLogs('the desktop has moved', since, 30_000);
  assert.equal(moved.fields['lossless'], true);
  assert.equal(await stage.engineHasLogged('guest gone', since), false);
}
