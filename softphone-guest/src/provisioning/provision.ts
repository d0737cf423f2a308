import { dirname, resolve } from 'node:path';
import { OffhookError, parseLayers, readConfigText } from '@offhook/common';
import { z } from 'zod';
import { layeredConfig, provisioningOf, type GuestConfig } from '../config.ts';
import { readPem } from '../pem.ts';
import { readCache, shown, writeCache } from './cache.ts';
import { fetchText } from './fetch-text.ts';

/**
 * Asks the server for the configuration, checks it together with the local file, and keeps it.
 * Resolves with whether it has changed; what was there stays when this fails.
 *
 * @throws OffhookError of layer `config`: see `fetchText` and `loadConfig`, and `not-allowed` for
 * commands where they are not wanted.
 */
export async function provision(
  path: string,
  options: { readonly text?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const text = options.text ?? readConfigText(path, false);
  const wish = provisioningOf({ path, text });
  if (wish?.url === undefined) return false;
  const { url, ca } = wish;
  const before = readCache(path, url);
  const fetched = await fetchText({
    url,
    ca: ca === undefined ? undefined : readPem(resolve(dirname(path), ca)),
    etag: before?.etag,
    signal: options.signal,
  });
  if (!fetched.changed || fetched.text === before?.text) return false;
  checkProvisioned({ path, text }, { url, text: fetched.text }, wish.commands);
  const { etag } = fetched;
  writeCache(path, {
    url,
    ...(etag !== undefined && { etag }),
    fetchedAt: new Date().toISOString(),
    text: fetched.text,
  });
  return true;
}

/** @throws OffhookError that names address, line and key. */
function checkProvisioned(
  own: { readonly path: string; readonly text: string },
  { url, text }: { readonly url: string; readonly text: string },
  commands: boolean,
): GuestConfig {
  const name = shown(url);
  const { config: data, placeOf } = parseLayers([{ path: name, text }], z.looseObject({}));
  if ('provisioning' in data) {
    throw notAllowed(placeOf(['provisioning']), 'provisioning belongs into the local file');
  }
  if (!commands) {
    for (const key of commandKeys(data)) {
      throw notAllowed(placeOf(key), `${key.join('.')}: it may not name commands`);
    }
  }
  return layeredConfig(own, { path: name, text });
}

function* commandKeys(data: Readonly<Record<string, unknown>>): Generator<(string | number)[]> {
  if ('hook' in data) yield ['hook'];
  const accounts = accountList.safeParse(data['account']);
  for (const [index, one] of (accounts.data ?? []).entries()) {
    if (one.password_command !== undefined) yield ['account', index, 'password_command'];
    if (one.away?.command !== undefined) yield ['account', index, 'away', 'command'];
  }
}

const accountList = z.array(
  z.looseObject({
    password_command: z.unknown().optional(),
    away: z.looseObject({ command: z.unknown().optional() }).optional(),
  }),
);

function notAllowed(place: string, why: string): OffhookError {
  return new OffhookError('config', 'not-allowed', `${place}: ${why}`, {
    remedy:
      'allow it with [provisioning] commands = true in the local file, if you trust the server so far',
  });
}
