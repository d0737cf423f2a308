// npm run package [DIRECTORY]: Debian packages of this machine's architecture, into build/packages.
import { join } from 'node:path';

import { buildPackages } from './package/build.ts';

const output = process.argv[2] ?? join(import.meta.dirname, '../build/packages');
for (const path of await buildPackages(output)) console.log(path);
