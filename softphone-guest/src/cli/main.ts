import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { xdgCacheDir } from './cache-dir.ts';
import { screenOptions } from './screen-options.ts';

// Compiled code is kept between starts: it saves a third of the time of a short command.
enableCompileCache(join(xdgCacheDir('offhook'), 'compile'));

// `offhook` alone goes to the screen without a stop at the command line's parser.
const options = screenOptions(process.argv.slice(2));
if (options === undefined) await import('./run.ts');
else await (await import('./screen.ts')).screen(options);
