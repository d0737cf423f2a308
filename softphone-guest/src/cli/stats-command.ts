import { printJson } from '@offhook/common/cli';
import { isOffhookError, OffhookError } from '@offhook/common/errors';
import { withDaemon } from '../control/client.ts';
import { readStatistics } from '../statistics/files.ts';
import type { CallStatistics } from '../statistics/schema.ts';
import { statisticsText } from '../text/statistics.ts';
import type { Context } from './call-commands.ts';

/** Of a call that is up or over; from the files, when no daemon runs. */
export async function stats({ paths, json, output }: Context, id?: string): Promise<void> {
  let found: CallStatistics | undefined;
  try {
    found = await withDaemon(paths, (daemon) =>
      daemon.call('stats.get', id === undefined ? {} : { call: id }),
    );
  } catch (error) {
    if (!isOffhookError(error, 'not-reachable')) throw error;
    found = await readStatistics(paths.statistics, id);
    if (found === undefined) {
      const what = id === undefined ? 'no statistics file' : `no statistics file of call ${id}`;
      throw new OffhookError('call', 'unknown-call', `no daemon runs, and there is ${what}`);
    }
  }
  if (json) printJson(output, found);
  else output.out(statisticsText(found));
}
