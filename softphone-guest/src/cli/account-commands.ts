import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  describeError,
  isOffhookError,
  OffhookError,
  readConfigText,
  withDeadline,
} from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { printable } from '@offhook/common/printable';
import { guestConfigOf } from '../config.ts';
import { withDaemon } from '../control/client.ts';
import type { AccountInfo } from '../control/schemas.ts';
import { readPem } from '../pem.ts';
import type { AccountChanges } from '../running-daemon.ts';
import { parseAddress } from '../setup/candidates.ts';
import { accountText } from '../setup/config-text.ts';
import { accountsIn, withoutAccount } from '../setup/edit-accounts.ts';
import { table } from '../text/table.ts';
import { accountWords } from '../text/words.ts';
import {
  askForAccount,
  findWay,
  writePassword,
  type AccountQuestions,
} from './account-questions.ts';
import type { Context } from './call-commands.ts';

export type AddOptions = Omit<AccountQuestions, 'address'>;

const RESTART_MS = 15_000;
const LOOK_MS = 50;

export async function list({ paths, json, output }: Context): Promise<void> {
  const { accounts } = await withDaemon(paths, (daemon) => daemon.call('accounts.list', {}));
  if (json) printJson(output, { accounts });
  else output.out(accountsTable(accounts));
}

function accountsTable(accounts: readonly AccountInfo[]): string {
  return table([
    ['ACCOUNT', 'STATE'],
    ...accounts.map((account) => [printable(account.aor), accountWords(account)]),
  ]);
}

/** Has the daemon take up the configuration, and waits until it has. */
export async function reload(context: Context): Promise<void> {
  const { json, output } = context;
  const changes = await reloaded(context);
  if (json) printJson(output, changes);
  else output.out(changesText(changes));
}

async function reloaded({ paths }: Context): Promise<AccountChanges> {
  const { before, changes } = await withDaemon(paths, async (daemon) => ({
    before: await daemon.call('status', {}),
    changes: await daemon.call('config.reload', {}),
  }));
  const { accounts } = await withDeadline(
    { layer: 'control', what: 'the daemon to start anew', ms: RESTART_MS },
    async (signal) => {
      for (;;) {
        await delay(LOOK_MS, undefined, { signal });
        const now = await withDaemon(paths, (daemon) => daemon.call('status', {})).catch(
          (error: unknown) => {
            if (isOffhookError(error) && error.layer === 'control') return undefined;
            throw error;
          },
        );
        if (now !== undefined && now.startedAt !== before.startedAt) return now;
      }
    },
  );
  const there = new Set(accounts.map(({ aor }) => aor));
  if (
    changes.added.some((aor) => !there.has(aor)) ||
    changes.removed.some((aor) => there.has(aor))
  ) {
    throw new OffhookError('config', 'not-in-force', 'the phone went back to its configuration', {
      remedy: 'its log says why the new one could not be used',
    });
  }
  return changes;
}

function changesText({ added, removed, changed }: AccountChanges): string {
  const rows = [
    ...added.map((aor) => `added ${aor}`),
    ...removed.map((aor) => `removed ${aor}`),
    ...changed.map((aor) => `changed ${aor}`),
  ];
  return rows.length === 0
    ? 'reloaded; the accounts are the same\n'
    : `${printable(rows.join(', '))}\n`;
}

export async function add(
  context: Context,
  address: string | undefined,
  options: AddOptions,
): Promise<void> {
  const { paths, json, output } = context;
  const text = readConfigText(paths.config, false);
  const config = guestConfigOf({ path: paths.config, text });
  const say = (line: string) => (json ? output.err(line) : output.out(line));
  const account = await askForAccount({ ...options, ...(address !== undefined && { address }) });
  const { aor, user } = account.address;
  if (config.account.some((one) => one.aor === aor)) {
    throw new OffhookError('config', 'exists', `${paths.config} has the account ${aor} already`);
  }
  const { tls: { ca, verify = true } = {}, name_servers: nameServers } = config.sip;
  const tls = { verify, ca: ca === undefined ? undefined : readPem(ca) };
  const { way } = await findWay({ ...account, tls, nameServers }, options.server, say);
  const passwordFile = `password-${user.replaceAll(/[^\w.+-]/g, '_')}`;
  const block = accountText({
    ...account,
    displayName: options.name,
    proxy: way.proxy,
    passwordFile,
  });
  const after = `${text.trimEnd()}\n\n${block}`;
  guestConfigOf({ path: paths.config, text: after });
  await writePassword(join(dirname(paths.config), passwordFile), account.password);
  await write(paths.config, after);
  await takeUp(context, `wrote ${paths.config}`);
}

export async function remove(context: Context, name: string): Promise<void> {
  const { config: path } = context.paths;
  const text = readConfigText(path, false);
  const accounts = accountsIn({ path, text });
  const fits = ({ aor }: { aor: string }) => aor === name || parseUser(aor) === name;
  const account = accounts.find(fits);
  const aor = account?.aor ?? name;
  const after = withoutAccount({ path, text }, aor);
  guestConfigOf({ path, text: after });
  await write(path, after);
  try {
    await takeUp(context, `took ${aor} out of ${path}`);
  } catch (error) {
    // The line has a call: file and phone stay of one mind.
    if (isOffhookError(error, 'busy')) await write(path, text);
    throw error;
  }
  const file = account?.password_file;
  const shared = accounts.some((one) => one !== account && one.password_file === file);
  if (file !== undefined && /^password(-|$)/.test(file) && !shared) {
    await rm(resolve(dirname(path), file), { force: true });
  }
}

function parseUser(aor: string): string | undefined {
  try {
    return parseAddress(aor).user;
  } catch {
    return undefined;
  }
}

/** Tells what was written, and has a daemon that runs take it up. */
async function takeUp(context: Context, done: string): Promise<void> {
  const { paths, json, output } = context;
  const runs = existsSync(paths.control);
  const changes = runs ? await reloaded(context).catch(notRunning) : undefined;
  if (json) printJson(output, { config: paths.config, changes: changes ?? null });
  else if (changes === undefined) output.out(`${printable(done)}; the phone does not run\n`);
  else output.out(`${printable(done)}: ${changesText(changes)}`);
}

function notRunning(error: unknown): undefined {
  if (!isOffhookError(error, 'not-reachable')) throw error;
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (error) {
    throw new OffhookError('config', 'unwritable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}
