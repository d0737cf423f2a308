// Bundles the executables: one file and lazily loaded chunks each, instead of a tree of sources.
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { build as bundle, type Plugin } from 'esbuild';

const root = dirname(import.meta.dirname);

const executables = [
  { name: 'offhook-engine', entry: 'media-engine-client/src/cli/main.ts' },
  { name: 'offhook', entry: 'softphone-guest/src/cli/main.ts' },
];

/** CommonJS dependencies inside an ES module still call `require`. */
const banner = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

/** zod carries its messages in some fifty languages; ours are English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup(build) {
    build.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

for (const { name, entry } of executables) {
  const entryPath = join(root, entry);
  if (!existsSync(entryPath)) continue;
  const workspace = join(root, entry.slice(0, entry.indexOf('/')));
  const dist = join(workspace, 'dist');
  // What worked stays until its successor is complete.
  const outdir = join(workspace, 'dist.next');
  await rm(outdir, { recursive: true, force: true });
  await bundle({
    entryPoints: { [name]: entryPath },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    jsx: 'automatic',
    // Ink loads its developer tools only when DEV is set.
    external: ['react-devtools-core', '*.node'],
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.env.DEV': '"false"',
      // The layout engine looks for it, and looking makes Node load its HTTP client: 50 ms.
      fetch: 'undefined',
    },
    plugins: [englishOnly],
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: banner },
    logLevel: 'warning',
  });
  await rm(dist, { recursive: true, force: true });
  await rename(outdir, dist);
}
