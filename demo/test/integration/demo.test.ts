import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exited, type ProcessExit } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offhook-demo-test-'));
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the demo with its temporary files in `folder`. */
function startDemo(
  onLine: (line: string, child: ChildProcess) => void = () => undefined,
  more: readonly string[] = [],
) {
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main, '--headless', ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  children.push(child);
  const lines: string[] = [];
  const end = new Promise<ProcessExit>((resolve) => {
    const reader = createInterface(child.stdout);
    reader.on('line', (line) => {
      lines.push(line);
      onLine(line, child);
    });
    reader.on('close', () => void exited(child).then(resolve));
  });
  return { lines, end };
}

/** Command lines of processes that have to do with `folder`, and its files. */
function remains(): string[] {
  const commands = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return [];
      }
    });
  return [...commands.filter((command) => command.includes(folder)), ...readdirSync(folder)];
}

describe('the headless demo', () => {
  it('registers, calls echo, hears its own tone, and leaves nothing behind', async () => {
    const { lines, end } = startDemo();
    expect(await end).toEqual({ code: 0, signal: null });
    const report: unknown = JSON.parse(lines.at(-1) ?? '');
    expect(report).toMatchObject({ registered: true, answered: true, codec: 'opus', lossPct: 0 });
    expect(report).toHaveProperty('toneHz', expect.closeTo(440, 0));
    expect(report).toHaveProperty('rttMs', expect.any(Number));
    expect(remains()).toEqual([]);
  });

  it('works a simulated desk phone, and leaves nothing behind', async () => {
    const { lines, end } = startDemo(undefined, ['--desk']);
    expect(await end).toEqual({ code: 0, signal: null });
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      mode: 'desk',
      at: 'desk',
      answered: true,
      held: true,
      resumed: true,
      digits: '12#',
      ended: true,
      history: 'desk',
    });
    expect(remains()).toEqual([]);
  });

  it.each([
    ['while it starts', /^PBX at/],
    ['during the call', /^answered by/],
  ])('ends everything when it is interrupted %s', async (_when, sign) => {
    const { end } = startDemo((line, child) => {
      if (sign.test(line)) child.kill('SIGINT');
    });
    expect(await end).toEqual({ code: 130, signal: null });
    expect(remains()).toEqual([]);
  });
});
