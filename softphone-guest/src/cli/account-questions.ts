import { readFile, writeFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { describeError, OffhookError, silentLogger } from '@offhook/common';
import { printable } from '@offhook/common/printable';
import { createUserAgent } from '../adapters.ts';
import { candidates, parseAddress, type Candidate, type SipAddress } from '../setup/candidates.ts';
import { tryAccount, type Attempt, type TryParts } from '../setup/try-account.ts';
import { askLine, askSecret } from './ask.ts';

/** What a command line says of an account; the rest is asked for. */
export interface AccountQuestions {
  readonly address?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly name?: string;
  readonly server?: string;
}

export interface AskedAccount {
  readonly address: SipAddress;
  readonly username: string;
  readonly password: string;
}

export async function askForAccount(options: AccountQuestions): Promise<AskedAccount> {
  const address = parseAddress(options.address ?? (await askLine('SIP address: ')));
  const password =
    options.passwordFile === undefined
      ? await askSecret(`Password of ${address.user}: `)
      : ((await readText(options.passwordFile)).split('\n', 1)[0]?.trimEnd() ?? '');
  if (password === '') throw new OffhookError('config', 'no-password', 'there is no password');
  return { address, username: options.username ?? address.user, password };
}

/**
 * The first way to the registrar that works, trying each.
 *
 * @throws OffhookError of layer `signaling`: `refused`, `no-answer`.
 */
export async function findWay(
  account: AskedAccount & Pick<TryParts, 'tls' | 'nameServers'>,
  server: string | undefined,
  say: (line: string) => void,
): Promise<{ way: Candidate; attempt: Extract<Attempt, { registered: true }> }> {
  const { signal } = new AbortController();
  const parts: TryParts = { ...account, createUserAgent, logger: silentLogger, signal };
  const failures: string[] = [];
  for (const way of candidates(account.address, server)) {
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

export async function writePassword(path: string, password: string): Promise<void> {
  try {
    await writeFile(path, `${password}\n`, { mode: 0o600 });
  } catch (error) {
    throw new OffhookError('config', 'unwritable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

export async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? await readAll(process.stdin) : await readFile(path, 'utf8');
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}
