import { OffhookError } from '@offhook/common/errors';
import { type Output, printJson } from '@offhook/common/cli';
import type { RecordingAction } from '../call/recordings.ts';
import type { CallInfo } from '../control/schemas.ts';
import type { Paths } from '../paths.ts';
import { withDaemon } from '../control/client.ts';
import { printable } from '@offhook/common/printable';
import { callLine, callsTable, historyTable, previewText } from '../text/words.ts';

/** What every command is given. */
export interface Context {
  readonly paths: Paths;
  readonly json: boolean;
  readonly output: Output;
}

/** Longer than any deadline of the daemon's own. */
const CALL_DEADLINE_MS = 60_000;

export async function calls({ paths, json, output }: Context): Promise<void> {
  const { calls: list } = await withDaemon(paths, (daemon) => daemon.call('calls.list', {}));
  if (json) printJson(output, { calls: list.map(callRow) });
  else output.out(callsTable(list, Date.now()));
}

/** A row of `calls --json`: these keys and no others, for scripts. */
export function callRow(call: CallInfo): object {
  const { id, at, account, direction, state, remote, startedAt, held, muted, recording } = call;
  const { codec, txPackets, rxPackets, lossPct, jitterMs, rttMs, mos } = call.media;
  return {
    id,
    at,
    account,
    direction,
    state,
    remote,
    startedAt,
    held,
    muted,
    recording,
    media: { codec, txPackets, rxPackets, lossPct, jitterMs, rttMs, mos },
  };
}

export interface HistoryOptions {
  readonly limit: number;
  readonly missed?: boolean;
  readonly since?: string;
}

export async function history(
  context: Context,
  words: readonly string[],
  options: HistoryOptions,
): Promise<void> {
  const { paths, json, output } = context;
  const { calls: list } = await withDaemon(paths, (daemon) =>
    daemon.call('history.list', { ...options, query: words.join(' ') }),
  );
  if (json) printJson(output, { calls: list });
  else output.out(historyTable(list));
}

export async function dial(
  context: Context,
  target: string,
  options: { account?: string; wait?: number },
): Promise<void> {
  const { account, wait } = options;
  const call = await withDaemon(context.paths, (daemon) =>
    daemon.call(
      'call.dial',
      {
        target,
        ...(account === undefined ? {} : { account }),
        ...(wait === undefined ? {} : { wait }),
      },
      { timeoutMs: CALL_DEADLINE_MS + (wait ?? 0) },
    ),
  );
  printCall(context, call);
}

/** What `dial` would do. */
export async function preview(
  { paths, json, output }: Context,
  target: string,
  { account }: { account?: string },
): Promise<void> {
  const found = await withDaemon(paths, (daemon) =>
    daemon.call('call.preview', { target, ...(account === undefined ? {} : { account }) }),
  );
  if (json) printJson(output, found);
  else output.out(previewText(found));
}

export async function answer(
  context: Context,
  id: string | undefined,
  options: { wait?: number },
): Promise<void> {
  const { wait } = options;
  const call = await withDaemon(context.paths, (daemon) =>
    daemon.call(
      'call.answer',
      { ...oneCall(id), ...(wait === undefined ? {} : { wait }) },
      { timeoutMs: CALL_DEADLINE_MS + (wait ?? 0) },
    ),
  );
  printCall(context, call);
}

export async function reject(
  context: Context,
  id: string | undefined,
  options: { all: boolean; status?: number; reason?: string },
): Promise<void> {
  const { all, status, reason } = options;
  const { calls: list } = await withDaemon(context.paths, (daemon) =>
    daemon.call('call.reject', {
      ...someCalls(id, all),
      ...(status === undefined ? {} : { status }),
      ...(reason === undefined ? {} : { reason }),
    }),
  );
  printCalls(context, list);
}

/** Commands on one call or all of them, without anything more to say. */
export async function onCalls(
  context: Context,
  method: 'call.hangup' | 'call.hold' | 'call.mute' | 'call.unmute',
  id: string | undefined,
  options: { all: boolean },
): Promise<void> {
  const result = await withDaemon(context.paths, (daemon) =>
    daemon.call(method, someCalls(id, options.all), { timeoutMs: CALL_DEADLINE_MS }),
  );
  const failed = 'failed' in result ? result.failed : [];
  if (failed.length === 0) printCalls(context, result.calls);
  else {
    printSome(context, result.calls, failed);
    throw new OffhookError('call', 'said', 'some calls refused');
  }
}

export async function resume(context: Context, id: string | undefined): Promise<void> {
  const call = await withDaemon(context.paths, (daemon) =>
    daemon.call('call.resume', oneCall(id), { timeoutMs: CALL_DEADLINE_MS }),
  );
  printCall(context, call);
}

export async function record(
  context: Context,
  action: RecordingAction,
  id: string | undefined,
): Promise<void> {
  const call = await withDaemon(context.paths, (daemon) =>
    daemon.call('call.record', { ...oneCall(id), action }, { timeoutMs: CALL_DEADLINE_MS }),
  );
  printCall(context, call);
}

/** `dtmf 123` sends to the only call, `dtmf CALL 123` to that one. */
export async function dtmf(context: Context, words: readonly string[]): Promise<void> {
  const [first = '', second] = words;
  const [id, digits] = second === undefined ? [undefined, first] : [first, second];
  const call = await withDaemon(context.paths, (daemon) =>
    daemon.call('call.dtmf', { ...oneCall(id), digits }, { timeoutMs: CALL_DEADLINE_MS }),
  );
  printCall(context, call);
}

function oneCall(id: string | undefined): { call?: string } {
  return id === undefined ? {} : { call: id };
}

function someCalls(id: string | undefined, all: boolean): { call?: string; all: boolean } {
  if (id !== undefined && all) {
    throw new OffhookError('control', 'invalid-params', 'name a call or say --all, not both');
  }
  return { ...oneCall(id), all };
}

/** A line about one call, or JSON. */
export function printCall({ json, output }: Context, call: CallInfo): void {
  if (json) printJson(output, { call });
  else output.out(callLine(call));
}

function printSome(
  context: Context,
  list: readonly CallInfo[],
  failed: readonly { call: string; message: string }[],
): void {
  const { json, output } = context;
  if (json) printJson(output, { calls: list, failed });
  else if (list.length > 0) printCalls(context, list);
  for (const { call, message } of failed) output.err(`offhook: ${call}: ${printable(message)}\n`);
}

/** A line for each call, or JSON. */
export function printCalls({ json, output }: Context, list: readonly CallInfo[]): void {
  if (json) printJson(output, { calls: list });
  else output.out(list.length === 0 ? 'no calls\n' : list.map(callLine).join(''));
}
