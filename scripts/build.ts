// Bundles the executables: one file and lazily loaded chunks each, instead of a tree of sources.
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { build as bundle, type BuildOptions, type Plugin } from 'esbuild';

const root = dirname(import.meta.dirname);

interface Executable {
  readonly name: string;
  readonly entry: string;
  /** Loaded by `import()` from the entry as one file of its own: quicker than a dozen chunks. */
  readonly whole?: string;
  /** It asks other hosts by HTTP. */
  readonly fetches?: boolean;
}

const executables: readonly Executable[] = [
  { name: 'offhook-engine', entry: 'media-engine-client/src/cli/main.ts' },
  {
    name: 'offhook',
    entry: 'softphone-guest/src/cli/main.ts',
    whole: 'softphone-guest/src/cli/screen.ts',
  },
  { name: 'offhook-cti', entry: 'cti-bridge/src/cli/main.ts', fetches: true },
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

/** Ink loads them only when DEV is set, which it never is here. */
const noDeveloperTools: Plugin = {
  name: 'no-developer-tools',
  setup(build) {
    build.onLoad({ filter: /\/ink\/build\/devtools\.js$/ }, () => ({ contents: '', loader: 'js' }));
  },
};

/** Leaves a file out of the bundle: it stands beside it, bundled on its own. */
function beside(file: string): Plugin {
  return {
    name: 'beside',
    setup(build) {
      build.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, kind }) =>
        kind === 'dynamic-import' && join(resolveDir, path) === file
          ? { path: `./${basename(file, '.ts')}.js`, external: true }
          : undefined,
      );
    },
  };
}

for (const { name, entry, whole, fetches = false } of executables) {
  const entryPath = join(root, entry);
  if (!existsSync(entryPath)) continue;
  const workspace = join(root, entry.slice(0, entry.indexOf('/')));
  const dist = join(workspace, 'dist');
  // What worked stays until its successor is complete.
  const outdir = join(workspace, 'dist.next');
  await rm(outdir, { recursive: true, force: true });
  const options: BuildOptions = {
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    jsx: 'automatic',
    // A native addon stands beside the bundle.
    loader: { '.node': 'copy' },
    // Written as `new RegExp`, a pattern over the emoji would be worked out when it is loaded.
    supported: { 'regexp-set-notation': true },
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.env.DEV': '"false"',
      // The layout engine looks for it, and looking makes Node load its HTTP client: 50 ms.
      ...(fetches ? {} : { fetch: 'undefined' }),
    },
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: banner },
    logLevel: 'warning',
  };
  const plugins = [englishOnly, noDeveloperTools];
  const apart = whole === undefined ? undefined : join(root, whole);
  await bundle({
    ...options,
    entryPoints: { [name]: entryPath },
    splitting: true,
    plugins: apart === undefined ? plugins : [...plugins, beside(apart)],
  });
  if (apart !== undefined) {
    await bundle({ ...options, entryPoints: { [basename(apart, '.ts')]: apart }, plugins });
  }
  await rm(dist, { recursive: true, force: true });
  await rename(outdir, dist);
}
