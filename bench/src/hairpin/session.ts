import { pause, Scope } from '@offhook/test-sipp';

import type { Heard } from '../latency/one-way.ts';
import { oneWay } from '../latency/one-way.ts';
import { mean } from '../measure/statistics.ts';
import { FAR, type Bed } from './bed.ts';
import { countLoad, type Load } from './load.ts';
import type { Line, Path, SessionReport, WayReport } from './options.ts';
import { LOUDSPEAKER, MICROPHONE } from './thin-client.ts';

const DIRECTIONS = {
  listen: { from: FAR.microphone, to: LOUDSPEAKER },
  talk: { from: MICROPHONE, to: FAR.loudspeaker },
} as const;
/** For what a connection, or the end of a call, leaves to do. */
const SETTLE_MS = 1500;
const IDLE_MS = 5000;
const TONE_S = 7;

/** One connection of the thin client with one call: what it sounds like, and what it costs. */
export async function session(
  bed: Bed,
  options: {
    readonly directory: string;
    readonly path: Path;
    readonly line: Line;
    readonly chirps: number;
    /** Whether to measure what there is beside the call as well, which takes 13 s. */
    readonly costs: boolean;
  },
): Promise<SessionReport> {
  const { directory, path, line, chirps, costs } = options;
  const scope = new Scope();
  const count = () => countLoad(bed.vm.pid, bed.vm.spice.port);
  const idle = async () => {
    await pause(SETTLE_MS);
    const end = await count();
    await pause(IDLE_MS);
    return end();
  };
  try {
    await bed.connect(scope, path, line);
    const beside = costs ? [await idle()] : [];
    const call = await bed.call();
    await pause(SETTLE_MS);
    // A card that has just been opened may have waited.
    const xruns = await runDry(bed);
    const during: Load[] = [];
    const end = await count();
    const heard = await oneWay(bed.pulse, {
      directory,
      chirps,
      toneSeconds: TONE_S,
      directions: DIRECTIONS,
      played: async () => void during.push(await end()),
    });
    const dry = (await runDry(bed)) - xruns;
    await bed.hangUp(call);
    if (costs) beside.push(await idle());
    return {
      path,
      line,
      listen: report(heard.listen),
      talk: report(heard.talk),
      ...(costs ? { cost: cost(beside, during) } : {}),
      hostIdle: mean(during.map(({ hostIdle }) => hostIdle)),
      xruns: dry,
    };
  } finally {
    await scope.close();
  }
}

function report({ ms, lost, glitches, reference }: Heard): WayReport {
  return {
    ms,
    lost,
    glitchesASecond: glitches === undefined ? null : glitches.events / glitches.seconds,
    referenceGlitches: reference?.events ?? null,
  };
}

function cost(beside: readonly Load[], during: readonly Load[]) {
  const both = (pick: (load: Load) => number) => ({
    idle: mean(beside.map(pick)),
    call: mean(during.map(pick)),
  });
  return { cpu: both(({ cpu }) => cpu), bytes: both(({ bytes }) => bytes) };
}

async function runDry(bed: Bed): Promise<number> {
  return Number(await bed.vm.ask('xruns'));
}
