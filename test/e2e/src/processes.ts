import { readdir, readFile } from 'node:fs/promises';

/** The process of the SPICE link of the engine with its state in that directory. */
export async function findLink(directory: string): Promise<number> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    const words = line.split('\0');
    if (words.includes('link') && words.some((word) => word.startsWith(directory))) {
      return Number(name);
    }
  }
  throw new Error('there is no process of a SPICE link');
}
