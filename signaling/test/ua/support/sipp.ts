import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBound } from '@offhook/common/listening';

/** A UDP port that nobody has, for a program that wants a number. */
export async function freePort(address: string): Promise<number> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind(0, address, resolve);
  await promise;
  const { port } = socket.address();
  const closed = Promise.withResolvers<void>();
  socket.close(() => closed.resolve());
  await closed.promise;
  return port;
}

/** Waits until somebody has the port. To try to bind it would be in the way of whoever is about to. */
export async function untilTaken(transport: 'udp' | 'tcp', port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isBound(transport, port)) {
    if (Date.now() > deadline) throw new Error(`nobody has ${transport} port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface SippRun {
  /** Exit status: 0 when every call went as its scenario says. */
  readonly code: number;
  readonly output: string;
}

export interface SippOptions {
  /** `uac`, `uas`, or the text of a scenario. */
  readonly scenario: string;
  readonly address: string;
  readonly port: number;
  /** Whom a uac calls. */
  readonly remote?: { readonly port: number; readonly user: string };
  readonly calls: number;
  readonly arguments?: readonly string[];
}

/** Runs SIPp, for 30 s at most (its own -timeout does not always work). */
export async function sipp(options: SippOptions): Promise<SippRun> {
  const folder = await mkdtemp(join(tmpdir(), 'offhook-sipp-'));
  try {
    const builtIn = options.scenario === 'uac' || options.scenario === 'uas';
    const file = join(folder, 'scenario.xml');
    if (!builtIn) await writeFile(file, options.scenario);
    const host = options.address.includes(':') ? `[${options.address}]` : options.address;
    const { remote } = options;
    const args = [
      ...(builtIn ? ['-sn', options.scenario] : ['-sf', file]),
      ...(remote === undefined ? [] : [`${host}:${remote.port}`, '-s', remote.user]),
      '-nostdin',
      '-trace_err',
      ...named({ '-i': host, '-p': options.port, '-m': options.calls }),
      ...named({ '-error_file': join(folder, 'errors') }),
      ...(options.arguments ?? []),
    ];
    return await run(folder, args);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function named(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [name, String(value)]);
}

function run(cwd: string, args: readonly string[]): Promise<SippRun> {
  const { promise, resolve, reject } = Promise.withResolvers<SippRun>();
  const child = spawn('timeout', ['-k', '2', '30', 'sipp', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    });
  }
  child.once('error', reject);
  child.once('close', (code) => resolve({ code: code ?? -1, output }));
  return promise;
}
