import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { cpuPercent, cpuSeconds } from '../measure/proc.ts';
import { openScreen } from '../measure/screen.ts';
import { round } from '../measure/statistics.ts';
import type { Terminal } from '../measure/terminal.ts';
import { openTestbed, type Testbed } from '../measure/testbed.ts';
import { Baresip } from '../peers/baresip.ts';
import { Reflector } from '../peers/reflector.ts';
import { Uac, type Target } from '../peers/uac.ts';
import { atMost, notMeasured, type Figures } from '../report.ts';

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 200, rows: 60 },
] as const;
/** Keys pressed for the cost of a frame: the next of six views each time. */
const PRESSES = 120;
const NEXT_VIEW = '\t';
/** A frame is drawn at most thirty times a second. */
const FRAME_MS = 40;
const DEADLINE_MS = 15_000;
const QUIET_MS = 10_000;
/** The kernel counts in hundredths of a second: enough to tell 1 % from 0.9 %. */
const CALL_MS = 30_000;
const SETTLE_MS = 3000;

/** What the user interface costs while nobody touches it, in a call, and for each frame. */
export const screen: Benchmark = {
  id: 'screen',
  what: 'frames of the screen, and the guest while nothing or one call is up',
  run,
};

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const testbed = await openTestbed();
  const figures: Figures = {};
  try {
    for (const size of SIZES) {
      signal.throwIfAborted();
      Object.assign(figures, await frames(testbed, size));
    }
    say('screen: frames are drawn');
    signal.throwIfAborted();
    Object.assign(figures, await quiet(testbed));
    say('screen: quiet is over');
    signal.throwIfAborted();
    Object.assign(figures, await inCall(testbed));
  } finally {
    await testbed.close();
  }
  return figures;
}

/** A whole view for another, again and again, while a call is up. */
async function frames(testbed: Testbed, size: (typeof SIZES)[number]): Promise<Figures> {
  const name = `${size.columns}x${size.rows}`;
  return withCall({ user: 'bench', port: testbed.guest.port }, async () => {
    const terminal = await openScreen(testbed.guest, size);
    try {
      await press(terminal, 12);
      const before = {
        frames: terminal.frames,
        bytes: terminal.bytes,
        cpu: cpuSeconds(terminal.pid),
      };
      await press(terminal, PRESSES);
      const drawn = terminal.frames - before.frames;
      const bytes = round((terminal.bytes - before.bytes) / drawn, 0);
      const cpuMs = round((1000 * (cpuSeconds(terminal.pid) - before.cpu)) / drawn, 1);
      const detail = { frames: drawn, keys: PRESSES };
      return {
        [`screen.frame.${name}`]: atMost({ target: 10, unit: 'ms', peer: 'none' }, cpuMs, detail),
        [`screen.bytes.${name}`]: atMost(
          { target: size.columns * size.rows, unit: 'bytes', peer: 'every cell drawn anew' },
          bytes,
          detail,
        ),
      };
    } finally {
      await terminal.close();
    }
  });
}

async function press(terminal: Terminal, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const { bytes } = terminal;
    terminal.type(NEXT_VIEW);
    await terminal.writes(bytes, DEADLINE_MS);
    await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
  }
}

/** No call, no key: nothing is drawn. */
async function quiet(testbed: Testbed): Promise<Figures> {
  const terminal = await openScreen(testbed.guest, SIZES[0]);
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const { bytes, frames: drawn } = terminal;
    const pids = [testbed.guest.process.pid, terminal.pid];
    const cpu = round(await cpuPercent(pids, QUIET_MS), 2);
    const detail = { seconds: QUIET_MS / 1000, frames: terminal.frames - drawn };
    return {
      'screen.quiet.bytes': atMost(
        { target: 0, unit: 'bytes', peer: 'none' },
        terminal.bytes - bytes,
        detail,
      ),
      'screen.quiet.cpu': atMost({ target: 0.5, unit: '% of a core', peer: 'none' }, cpu, detail),
    };
  } finally {
    await terminal.close();
  }
}

/** Daemon and screen with one call up, beside a baresip with one, which does the media as well. */
async function inCall(testbed: Testbed): Promise<Figures> {
  const daemon = testbed.guest.process.pid;
  const ours = await withCall({ user: 'bench', port: testbed.guest.port }, async (flow) => {
    const terminal = await openScreen(testbed.guest, SIZES[0]);
    try {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const from = { daemon: cpuSeconds(daemon), frames: terminal.frames, flow: flow() };
      const both = await cpuPercent([daemon, terminal.pid], CALL_MS);
      const daemonPercent = (100_000 * (cpuSeconds(daemon) - from.daemon)) / CALL_MS;
      return {
        both: round(both),
        daemon: round(daemonPercent),
        frames: terminal.frames - from.frames,
        packets: flow() - from.flow,
      };
    } finally {
      await terminal.close();
    }
  });
  const peer = await Baresip.start('PCMA');
  try {
    const theirs = await withCall({ user: 'bench', port: peer.port }, async () => {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      return round(await cpuPercent([peer.pid], CALL_MS / 3));
    });
    const goal = { target: 1, unit: '% of a core', peer: `baresip with its media: ${theirs} %` };
    // The call has to have been one.
    const figure =
      ours.packets > 0 ? atMost(goal, ours.both, ours) : notMeasured(goal, 'no sound flowed');
    return { 'screen.call.cpu': figure };
  } finally {
    await peer.stop();
  }
}

/** Calls, and hangs up after `work`, which can ask how many packets have come. */
async function withCall<T>(
  target: Target,
  work: (packets: () => number) => Promise<T>,
): Promise<T> {
  const uac = await Uac.open();
  const reflector = await Reflector.open();
  try {
    const call = await uac.call(target, reflector.offer('PCMA'));
    try {
      return await work(() => reflector.packets);
    } finally {
      await call.hangup();
    }
  } finally {
    uac.close();
    reflector.close();
  }
}
