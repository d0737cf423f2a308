// npm run docs: writes the pages that are made from code.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { pages } from './docs/pages.ts';

for (const [name, make] of Object.entries(pages)) {
  await writeFile(join(import.meta.dirname, '../docs', name), make());
}
