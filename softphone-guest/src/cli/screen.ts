import { processOutput } from '@offhook/common/cli';
import { guestPaths, type PathOptions } from '../paths.ts';
import { report } from './report.ts';
import { tui } from './tui-command.ts';

/** `offhook` alone. */
export async function screen(options: PathOptions): Promise<void> {
  try {
    await tui({ paths: guestPaths(options), json: false, output: processOutput });
  } catch (error) {
    report(error, false);
  }
}
