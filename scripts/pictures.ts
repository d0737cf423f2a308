// npm run pictures: plays the tour, and makes the pictures of docs/ from the screens that it keeps.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { screenPicture } from './pictures/svg.ts';

const root = dirname(import.meta.dirname);
const pictures = { call: 'A call', quality: 'A conference, and how it sounds' };

const tour = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project=tour'],
  { cwd: root, stdio: 'inherit' },
);
if (tour.status === 0) {
  for (const [name, title] of Object.entries(pictures)) {
    const screen = await readFile(join(root, 'build/tour', `${name}.ansi`), 'utf8');
    await writeFile(join(root, 'docs', `screen-${name}.svg`), screenPicture(screen, title));
  }
} else process.exitCode = 1;
