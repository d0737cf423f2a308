import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describeError, OffhookError } from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { withDaemon, type DaemonClient } from '../control/client.ts';
import { statisticsFiles } from '../statistics/files.ts';
import { maskConfig } from '../support/mask-config.ts';
import { pcap } from '../trace/pcap.ts';
import { ladder, type TracedMessage } from '../trace/ladder.ts';
import { VERSION } from '../version.ts';
import type { Context } from './call-commands.ts';

const run = promisify(execFile);
const MOST_CALLS = 200;
/** Of the end of the daemon's log. */
const LOG_BYTES = 1024 * 1024;
const DOCTOR_MS = 60_000;

/** Everything that somebody who helps wants to see, in one archive; nothing secret is in it. */
export async function supportReport(context: Context, file: string | undefined): Promise<void> {
  const { paths, json, output } = context;
  const name = `offhook-report-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
  const archive = resolve(file ?? `${name}.tar.gz`);
  const work = await mkdtemp(join(tmpdir(), 'offhook-report-'));
  try {
    const directory = join(work, name);
    await mkdir(directory);
    const missing: string[] = [];
    const put = async (title: string, make: () => Promise<string | Uint8Array>) => {
      try {
        await writeFile(join(directory, title), await make());
      } catch (error) {
        missing.push(`${title}: ${describeError(error)}`);
      }
    };
    await put('system.txt', systemText);
    await put('config.toml', async () => maskConfig(await readFile(paths.config, 'utf8')));
    await put('daemon.log', () => tail(paths.log));
    for (const file of (await statisticsFiles(paths.statistics)).slice(0, MOST_CALLS)) {
      await mkdir(join(directory, 'stats'), { recursive: true });
      await put(join('stats', file), () => readFile(join(paths.statistics, file)));
    }
    await withDaemon(paths, (daemon) => fromDaemon(daemon, put)).catch((error: unknown) => {
      missing.push(`what the daemon knows: ${describeError(error)}`);
    });
    if (missing.length > 0) await writeFile(join(directory, 'missing.txt'), missing.join('\n'));
    await pack(work, name, archive);
    if (json) printJson(output, { file: archive, missing });
    else {
      output.out(`${archive}\n`);
      for (const one of missing) output.err(`offhook: not in it: ${one}\n`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

type Put = (title: string, make: () => Promise<string | Uint8Array>) => Promise<void>;

async function fromDaemon(daemon: DaemonClient, put: Put): Promise<void> {
  const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await put('status.json', async () => pretty(await daemon.call('status', {})));
  await put('doctor.json', async () =>
    pretty(await daemon.call('doctor.run', {}, { timeoutMs: DOCTOR_MS })),
  );
  await put('calls.json', async () => pretty(await daemon.call('calls.list', {})));
  await put('history.json', async () =>
    pretty(await daemon.call('history.list', { limit: MOST_CALLS })),
  );
  await put('devices.json', async () => pretty(await daemon.call('devices.list', {})));
  const messages = await allMessages(daemon);
  await put('sip.txt', () =>
    Promise.resolve(
      `${ladder(messages)}\n${messages.map(({ message }) => message).join('\n----\n')}`,
    ),
  );
  await put('sip.pcap', () => Promise.resolve(pcap(messages)));
}

async function allMessages(daemon: DaemonClient): Promise<readonly TracedMessage[]> {
  const messages: TracedMessage[] = [];
  for (let after = 0; ;) {
    const page = await daemon.call('trace.get', { all: true, after });
    if (page.messages.length === 0) return messages;
    messages.push(...page.messages);
    after = page.next;
  }
}

async function systemText(): Promise<string> {
  const system = await readFile('/etc/os-release', 'utf8').catch(() => 'unknown\n');
  return `Offhook ${VERSION}\nNode ${process.version}\nLinux ${release()} ${process.arch}\n\n${system}`;
}

async function tail(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, LOG_BYTES));
    await file.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}

async function pack(directory: string, name: string, archive: string): Promise<void> {
  try {
    await writeFile(archive, '', { mode: 0o600 });
    await run('tar', ['--create', '--gzip', `--file=${archive}`, `--directory=${directory}`, name]);
  } catch (error) {
    throw new OffhookError('system', 'unwritable', `${archive}: ${describeError(error)}`, {
      cause: error,
    });
  }
}
