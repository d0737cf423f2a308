// npm run package [-- [DIRECTORY] [--architecture arm64]]: Debian packages, into build/packages; of this
// machine's architecture if none is named.
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { buildPackages } from './package/build.ts';
import { targetFor } from './package/target.ts';

const { values, positionals } = parseArgs({
  options: { architecture: { type: 'string' } },
  allowPositionals: true,
});
const output = positionals[0] ?? join(import.meta.dirname, '../build/packages');
const target = await targetFor(values.architecture);
for (const path of await buildPackages(output, target)) console.log(path);
