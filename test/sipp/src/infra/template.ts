import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TEMPLATES = join(import.meta.dirname, '../../interop');

/** A configuration of interop/ with `@NAME@` filled in. Fails on a name that has no value. */
export async function fillTemplate(
  name: string,
  values: Readonly<Record<string, string | number>>,
): Promise<string> {
  const text = await readFile(join(TEMPLATES, name), 'utf8');
  return text.replaceAll(/@([A-Z][A-Z_0-9]*)@/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${name}: nothing is known for @${key}@`);
    return String(value);
  });
}

/** Every file of a folder of interop/, filled in, into `directory`. */
export async function fillTemplates(
  folder: string,
  directory: string,
  values: Readonly<Record<string, string | number>>,
): Promise<void> {
  for (const name of await readdir(join(TEMPLATES, folder)))
    await writeFile(join(directory, name), await fillTemplate(join(folder, name), values));
}
