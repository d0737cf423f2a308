import { join } from 'node:path';

import { build } from 'esbuild';

/** What runs in the guest to measure round trips, as one file of its image. */
export async function programFile(): Promise<{
  path: string;
  mode: number;
  content: Uint8Array;
}> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'round-trips.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    loader: { '.node': 'empty' },
    banner: {
      js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
    },
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('the program for the guest is empty');
  return { path: 'app/program.js', mode: 0o100644, content: file.contents };
}
