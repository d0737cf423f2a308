import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError, OffhookError } from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { parseGuestConfig } from '../config.ts';
import { configText } from '../setup/config-text.ts';
import {
  askForAccount,
  findWay,
  readText,
  writePassword,
  type AccountQuestions,
} from './account-questions.ts';
import type { Context } from './call-commands.ts';

export interface SetupOptions extends AccountQuestions {
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
      remedy:
        'say `offhook account add` for another account, --force to write it anew (a copy is kept), or name another with --config',
    });
  }
  const account = await askForAccount(options);
  const tls = {
    verify: options.insecure !== true,
    ca: options.ca === undefined ? undefined : await readText(options.ca),
  };
  const { way, attempt } = await findWay({ ...account, tls }, options.server, say);
  const text = configText({
    ...account,
    displayName: options.name,
    proxy: way.proxy,
    passwordFile: PASSWORD_FILE,
    channel: options.engine ?? engineChannel(),
    tls: { verify: tls.verify, caFile: options.ca },
  });
  await writeConfig(paths.config, text, account.password);
  const { aor } = account.address;
  if (json) printJson(output, { config: paths.config, account: aor, way: way.label, ...attempt });
  else say(`wrote ${paths.config}; begin with \`offhook\`, or check with \`offhook doctor\`\n`);
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
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    throw new OffhookError('config', 'unwritable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
  await writePassword(join(dirname(path), PASSWORD_FILE), password);
}
