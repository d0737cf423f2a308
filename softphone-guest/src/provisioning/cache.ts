import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeError, OffhookError } from '@offhook/common';
import { z } from 'zod';

const cached = z.object({
  url: z.string(),
  etag: z.string().optional(),
  /** ISO 8601. */
  fetchedAt: z.string(),
  text: z.string(),
});

/** What a server has given last, as far as it was good. */
export type Provisioned = z.output<typeof cached>;

/** Beside the configuration, readable by its owner alone: there may be passwords in it. */
export function cachePath(config: string): string {
  return join(dirname(config), 'provisioned.json');
}

/** Undefined: nothing of that address is there. */
export function readCache(config: string, url: string): Provisioned | undefined {
  try {
    const parsed = cached.parse(JSON.parse(readFileSync(cachePath(config), 'utf8')));
    return parsed.url === url ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** @throws OffhookError `unwritable`. */
export function writeCache(config: string, provisioned: Provisioned): void {
  const path = cachePath(config);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, JSON.stringify(provisioned), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new OffhookError('config', 'unwritable', `${path}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Without what may be a secret: user, password and query. */
export function shown(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
