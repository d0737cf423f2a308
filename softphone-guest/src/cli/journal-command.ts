import { isOffhookError } from '@offhook/common/errors';
import { printJson } from '@offhook/common/cli';
import type { ControlResult } from '../control/api.ts';
import { withDaemon } from '../control/client.ts';
import { journalText } from '../text/words.ts';
import type { Context } from './call-commands.ts';

/** What the next daemon would go on with; from the file, when no daemon runs. */
export async function journal({ paths, json, output }: Context): Promise<void> {
  let result: ControlResult<'journal.get'>;
  try {
    result = await withDaemon(paths, (daemon) => daemon.call('journal.get', {}));
  } catch (error) {
    if (!isOffhookError(error, 'not-reachable')) throw error;
    result = await fromFile(paths.journal);
    output.err('offhook: no daemon runs; this is what the next one will find\n');
  }
  if (json) printJson(output, result);
  else output.out(journalText(result.journal, result.calls));
}

async function fromFile(path: string): Promise<ControlResult<'journal.get'>> {
  const { peek } = await import('../journal/peek.ts');
  const { loadSqlite } = await import('../journal/sqlite.ts');
  const { describeRow } = await import('../control/info.ts');
  const { calls, lost } = peek(await loadSqlite(), path);
  return {
    journal: { state: 'ok', calls: calls.length, reason: null, remedy: null, lost: lost ?? null },
    calls: calls.map(describeRow),
  };
}
