// npm run docs: writes the pages that are made from code.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { configurationPage } from './docs/configuration.ts';

const docs = join(import.meta.dirname, '../docs');
await writeFile(join(docs, 'configuration.md'), configurationPage());
