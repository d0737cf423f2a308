import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { describeError, OffhookError, silentLogger } from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { printable } from '@offhook/common/printable';
import { createUserAgent } from '../adapters.ts';
import { parseGuestConfig } from '../config.ts';
import { candidates, parseAddress, type Candidate } from '../setup/candidates.ts';
import { configText } from '../setup/config-text.ts';
import { tryAccount, type Attempt, type TryParts } from '../setup/try-account.ts';
import type { Context } from './call-commands.ts';
import { askLine, askSecret } from './ask.ts';

export interface SetupOptions {
  readonly address?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly name?: string;
  readonly server?: string;
  readonly engine?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly force?: boolean;
}

const PASSWORD_FILE = 'password';
const VIRTUAL_PORT = 'org.offhook.engine.0';

/** From an address and a password to a configuration that is known to work. */
export async function setup(context: Context, options: SetupOptions): Promise<void> {
  const { paths, json, output } = context;
  const say = (line: string) => (json ? output.err(line) : output.out(line));
  if (existsSync(paths.config) && options.force !== true) {
    throw new OffhookError('config', 'exists', `${paths.config} exists`, {
      remedy: 'say --force to write it anew (a copy is kept), or name another with --config',
    });
  }
  const address = parseAddress(options.address ?? (await askLine('SIP address: ')));
  const password =
    options.passwordFile === undefined
      ? await askSecret(`Password of ${address.user}: `)
      : ((await readText(options.passwordFile)).split('\n', 1)[0]?.trimEnd() ?? '');
  if (password === '') throw new OffhookError('config', 'no-password', 'there is no password');
  const username = options.username ?? address.user;
  const parts: TryParts = {
    createUserAgent,
    address,
    username,
    password,
    tls: {
      verify: options.insecure !== true,
      ca: options.ca === undefined ? undefined : await readText(options.ca),
    },
    logger: silentLogger,
    signal: new AbortController().signal,
  };
  const { way, attempt } = await discover(parts, candidates(address, options.server), say);
  const text = configText({
    address,
    username,
    displayName: options.name,
    proxy: way.proxy,
    passwordFile: PASSWORD_FILE,
    channel: options.engine ?? engineChannel(),
    tls: { verify: parts.tls.verify, caFile: options.ca },
  });
  await writeConfig(paths.config, text, password);
  if (json) {
    printJson(output, { config: paths.config, account: address.aor, way: way.label, ...attempt });
  } else say(`wrote ${paths.config}; begin with \`offhook\`, or check with \`offhook doctor\`\n`);
}

async function discover(
  parts: TryParts,
  ways: readonly Candidate[],
  say: (line: string) => void,
): Promise<{ way: Candidate; attempt: Extract<Attempt, { registered: true }> }> {
  const failures: string[] = [];
  for (const way of ways) {
    const attempt = await tryAccount(parts, way).catch((error: unknown) => ({
      registered: false as const,
      status: 0,
      reason: describeError(error),
    }));
    if (attempt.registered) {
      say(`${way.label}: registered\n`);
      say(
        attempt.selfCall.answered
          ? 'a call to yourself: arrives\n'
          : `a call to yourself: not here (${printable(attempt.selfCall.reason)}); some PBXs do not allow it\n`,
      );
      return { way, attempt };
    }
    const { status, reason } = attempt;
    const words = printable(`${way.label}: ${reason}${status > 0 ? ` (SIP ${status})` : ''}`);
    say(`${words}\n`);
    failures.push(words);
    // The registrar has been reached, and says no: other ways would lock the account.
    if (status === 401 || status === 403 || status === 404 || status === 407) {
      throw new OffhookError('signaling', 'refused', words, {
        remedy: 'check address, user name and password',
      });
    }
  }
  throw new OffhookError('signaling', 'no-answer', `no registrar found: ${failures.join('; ')}`, {
    remedy: 'name the server of your PBX with --server HOST[:PORT]',
  });
}

/** A port of the virtual desktop where there is one; else where an engine of this machine listens. */
function engineChannel(): string | undefined {
  return existsSync(join('/dev/virtio-ports', VIRTUAL_PORT)) ? `port:${VIRTUAL_PORT}` : undefined;
}

async function writeConfig(path: string, text: string, password: string): Promise<void> {
  // Nothing is written that the phone would not read.
  parseGuestConfig(text, path);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (existsSync(path)) await rename(path, `${path}.before`);
    await writeFile(join(dirname(path), PASSWORD_FILE), `${password}\n`, { mode: 0o600 });
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    throw new OffhookError('config', 'unwritable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? await readAll(process.stdin) : await readFile(path, 'utf8');
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}
