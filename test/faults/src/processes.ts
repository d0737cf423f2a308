import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from '@offhook/test-sipp';

/** Whether a process runs; one that has ended but was not waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false;
  }
}

/** Kills it at once, and waits until it is gone. */
export async function kill(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
  await until(`process ${pid} to be gone`, () => !isAlive(pid), { within: 5000, every: 5 });
}

/** The processes whose command line has all these words. */
export function processesWith(...words: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid))
    .filter((pid) => {
      const command = commandLine(pid);
      return words.every((word) => command.includes(word));
    });
}

/** The one process whose command line has all these words. */
export function processWith(...words: readonly string[]): number {
  const [found, ...more] = processesWith(...words);
  if (found === undefined || more.length > 0)
    throw new Error(`${found === undefined ? 'no' : 'more than one'} process ${words.join(' ')}`);
  return found;
}

/** How many file descriptors it has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** UDP ports that it has bound, by proc(5). */
export function udpPorts(pid: number): readonly number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`));
      return match?.[1] === undefined ? [] : [match[1]];
    }),
  );
  return ['udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        if (!inodes.has(fields[9] ?? '')) return [];
        return [Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)];
      }),
  );
}

/** Resident memory, MiB. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
