import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Processor seconds (user and system, all threads) that a process has used so far, proc(5). */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The parent's process id. */
function parentOf(pid: number): number {
  return Number(statFields(pid)[1]);
}

/** What follows the name in /proc/PID/stat: index 0 is the state. */
function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export interface Memory {
  /** Resident set, megabytes (10⁶ bytes). */
  readonly rssMb: number;
  /** The same with shared pages divided among those who share them. */
  readonly pssMb: number;
}

/** Memory of a process, from /proc/PID/smaps_rollup. */
export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6;
  return { rssMb: field('Rss'), pssMb: field('Pss') };
}

export function sumMemory(pids: readonly number[]): Memory {
  const all = pids.map(memory);
  return {
    rssMb: all.reduce((sum, one) => sum + one.rssMb, 0),
    pssMb: all.reduce((sum, one) => sum + one.pssMb, 0),
  };
}

/** Share of one core that these processes use over `windowMs`, in percent. */
export async function cpuPercent(pids: readonly number[], windowMs: number): Promise<number> {
  const used = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = used();
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, windowMs));
  return (100 * (used() - before)) / ((performance.now() - from) / 1000);
}

/** The child of `pid` whose command line contains `word`. */
export function childOf(pid: number, word: string): number | undefined {
  const listed = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  for (const line of listed.split('\n')) {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    if (match?.[2]?.includes(word) !== true) continue;
    const candidate = Number(match[1]);
    try {
      if (parentOf(candidate) === pid) return candidate;
    } catch {
      // Ended meanwhile.
    }
  }
  return undefined;
}
