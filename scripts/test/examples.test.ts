import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@offhook/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';

import { engineConfig } from '../../media-engine-client/src/config.ts';
import { guestConfigSchema } from '../../softphone-guest/src/config.ts';
import { portHelperConfig } from '../../softphone-guest/src/port-config.ts';

const root = join(import.meta.dirname, '../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-docs-test-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function tomlIn(page: string): Promise<readonly string[]> {
  const text = await readFile(join(root, 'docs', page), 'utf8');
  return Array.from(text.matchAll(/^```toml\n(.*?)^```/gms), ([, example = '']) => example);
}

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  '/etc/offhook/port-helper.toml': portHelperConfig,
  '~/.config/offhook-engine/config.toml': engineConfig,
};

describe('examples of configuration in the documentation', () => {
  it.each([
    ['install-thin-client.md', engineConfig],
    ['install-guest.md', guestConfigSchema],
    ['channel-tls.md', guestConfigSchema],
  ])('%s: the programs take them', async (page, schema) => {
    const examples = await tomlIn(page);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const path = join(folder, 'config.toml');
      await writeFile(path, example, { mode: 0o600 });
      // A file of another program says so in its first line.
      const named = /^# (\S+)\n/.exec(example)?.[1] ?? '';
      expect(() => loadConfig({ path, schema: SCHEMAS[named] ?? schema })).not.toThrow();
    }
  });
});

describe('links in the documentation', () => {
  it.each([
    'README.md',
    'CONTRIBUTING.md',
    'docs/add-a-channel.md',
    'docs/architecture.md',
    'docs/install-guest.md',
    'docs/install-host.md',
    'docs/install-thin-client.md',
    'docs/packages.md',
    'docs/troubleshooting.md',
  ])('%s: every file linked to is there', async (page) => {
    const text = await readFile(join(root, page), 'utf8');
    const targets = Array.from(text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g), ([, to]) => to);
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) {
      const path = join(root, page, '..', target ?? '');
      await expect(
        readFile(path).catch((error: { code?: string }) => error.code),
      ).resolves.not.toBe('ENOENT');
    }
  });
});
