import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { configReference } from '../docs/config-reference.ts';
import { pages } from '../docs/pages.ts';

describe('pages made from code', () => {
  it.each(Object.entries(pages))('docs/%s is up to date (npm run docs)', async (name, make) => {
    const page = await readFile(join(import.meta.dirname, '../../docs', name), 'utf8');
    expect(page).toBe(make());
  });
});

describe('the configuration reference', () => {
  const schema = z.object({
    rtp: z.object({
      ports: z.string().default('1-2').describe('Ports | range'),
      dscp: z.int().min(0).max(63).describe('Code point'),
    }),
    account: z.array(z.object({ codecs: z.array(z.enum(['opus', 'PCMA'])).optional() })),
  });
  const text = configReference(schema);

  it('has a section for each table, and tells tables from arrays of tables', () => {
    expect(text).toContain('### `[rtp]`');
    expect(text).toContain('### `[[account]]`');
  });

  it('tells default, range and description of a key', () => {
    expect(text).toContain('| `ports` | string | `"1-2"` | Ports \\| range |');
    expect(text).toContain('| `dscp` | whole number, 0–63 | required | Code point |');
    expect(text).toContain('| `codecs` | list of `"opus"`, `"PCMA"` |  |  |');
  });
});
