import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { describeError, OffhookError } from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { printable } from '@offhook/common/printable';
import { loadGuestConfig } from '../config.ts';
import { shown } from '../provisioning/cache.ts';
import { provision } from '../provisioning/provision.ts';
import { quote } from '../setup/config-text.ts';
import type { Context } from './call-commands.ts';

/** A local configuration that says no more than where the rest comes from; checked before it is written. */
export async function setupFrom(
  { paths, json, output }: Context,
  url: string,
  options: { readonly ca?: string; readonly engine?: string; readonly force?: boolean },
): Promise<void> {
  if (!/^https:/i.test(url)) {
    throw new OffhookError('config', 'insecure', `${shown(url)} is no https: URL`, {
      remedy: 'a configuration has passwords in it: serve it over HTTPS',
    });
  }
  if (existsSync(paths.config) && options.force !== true) {
    throw new OffhookError('config', 'exists', `${paths.config} exists`, {
      remedy: 'say --force to write it anew (a copy is kept), or name another with --config',
    });
  }
  const text = [
    '# Written by `offhook setup`. What stands here wins over what the server says.',
    '',
    '[provisioning]',
    `url = ${quote(url)}`,
    ...(options.ca === undefined ? [] : [`ca = ${quote(resolve(options.ca))}`]),
    ...(options.engine === undefined ? [] : ['', '[engine]', `channel = ${quote(options.engine)}`]),
    '',
  ].join('\n');
  await provision(paths.config, { text });
  try {
    await mkdir(dirname(paths.config), { recursive: true, mode: 0o700 });
    if (existsSync(paths.config)) await rename(paths.config, `${paths.config}.before`);
    await writeFile(paths.config, text, { mode: 0o600 });
  } catch (error) {
    throw new OffhookError('config', 'unwritable', `${paths.config}: ${describeError(error)}`, {
      cause: error,
    });
  }
  const accounts = loadGuestConfig(paths.config).account.map(({ aor }) => aor);
  if (json) printJson(output, { config: paths.config, accounts });
  else {
    output.out(
      `${printable(shown(url))}: ${printable(accounts.join(', '))}\nwrote ${paths.config}; begin with \`offhook\`, or check with \`offhook doctor\`\n`,
    );
  }
}
