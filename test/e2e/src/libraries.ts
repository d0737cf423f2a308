import { readFile } from 'node:fs/promises';
import { run } from '@offhook/test-sipp';
import { directory, file, type Entry } from './cpio.ts';

/** The shared libraries that these programs and libraries need, as the linker here finds them. */
export async function librariesOf(paths: readonly string[]): Promise<readonly string[]> {
  const linked = await run('ldd', paths, { within: 30_000 });
  const found = [...linked.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
  return [...new Set(found)];
}

/** Those files where they are here, with the directories that they are in. */
export async function libraryFiles(paths: readonly string[]): Promise<Entry[]> {
  const parents = new Set(paths.flatMap((path) => ancestors(path)));
  const files = paths.map(async (path) => file(path.slice(1), await readFile(path), true));
  return [...[...parents].map(directory), ...(await Promise.all(files))];
}

/** `/lib/a/b.so` is in `lib` and `lib/a`. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
