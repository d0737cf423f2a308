import { writeFile } from 'node:fs/promises';
import { printJson } from '@offhook/common/cli';
import { OffhookError } from '@offhook/common/errors';
import { printable } from '@offhook/common/printable';
import type { ControlResult } from '../control/api.ts';
import { withDaemon, type DaemonClient } from '../control/client.ts';
import { pcap } from '../trace/pcap.ts';
import { rung, type TracedMessage } from '../trace/ladder.ts';
import type { Context } from './call-commands.ts';

export interface TraceOptions {
  readonly all?: boolean;
  readonly follow?: boolean;
  readonly full?: boolean;
  readonly pcap?: string;
}

const FOLLOW_MS = 20_000;

/** Prints the ladder, whole messages, JSON or a capture, page by page; with `follow` goes on. */
export async function trace(
  context: Context,
  id: string | undefined,
  options: TraceOptions,
): Promise<void> {
  if (id !== undefined && options.all === true) {
    throw new OffhookError('control', 'invalid-params', 'name a call or say --all, not both');
  }
  if (options.pcap !== undefined && options.follow === true) {
    throw new OffhookError('control', 'invalid-params', '--pcap writes what there is: no --follow');
  }
  await withDaemon(context.paths, async (daemon) => {
    const pages = read(daemon, id, options);
    if (options.pcap === undefined) await print(context, pages, options);
    else await capture(context, pages, options.pcap);
  });
}

type Page = ControlResult<'trace.get'>;

async function* read(
  daemon: DaemonClient,
  id: string | undefined,
  options: TraceOptions,
): AsyncGenerator<Page> {
  const all = options.all ?? false;
  let call = id;
  let after = 0;
  for (;;) {
    const wait = options.follow === true && after > 0 ? FOLLOW_MS : 0;
    const page = await daemon.call(
      'trace.get',
      { ...(call === undefined ? {} : { call }), all, after, wait },
      { timeoutMs: FOLLOW_MS * 2 },
    );
    yield page;
    // From now on that one, also when it is over and others have come.
    call ??= page.call?.id;
    const nothingNew = page.messages.length === 0;
    const over = options.follow !== true || page.call?.state === 'ended';
    if (nothingNew && over) return;
    after = page.next;
  }
}

async function print(
  { json, output }: Context,
  pages: AsyncGenerator<Page>,
  options: TraceOptions,
): Promise<void> {
  let from: number | undefined;
  for await (const { messages, dropped } of pages) {
    if (from === undefined && dropped > 0) {
      output.err(`offhook: ${dropped} messages at the beginning are no longer known\n`);
    }
    for (const message of messages) {
      from ??= message.at;
      if (json) printJson(output, message);
      else output.out(options.full === true ? whole(message) : `${rung(message, from)}\n`);
    }
  }
  if (from === undefined) output.err('offhook: no SIP messages\n');
}

function whole(traced: TracedMessage): string {
  const { at, direction, transport, local, remote, message } = traced;
  const arrow = direction === 'out' ? '->' : '<-';
  const lines = message.trimEnd().split('\r\n').map(printable);
  return `${new Date(at).toISOString()} ${local} ${arrow} ${remote} ${transport}\n${lines.join('\n')}\n\n`;
}

async function capture(
  { json, output }: Context,
  pages: AsyncGenerator<Page>,
  file: string,
): Promise<void> {
  const messages: TracedMessage[] = [];
  for await (const page of pages) messages.push(...page.messages);
  const bytes = pcap(messages);
  if (file === '-') {
    process.stdout.write(bytes);
    return;
  }
  try {
    await writeFile(file, bytes, { mode: 0o600 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new OffhookError('system', 'unwritable', `${file} cannot be written: ${why}`, {
      cause: error,
    });
  }
  if (json) printJson(output, { file, messages: messages.length });
  else output.out(`${file}: ${messages.length} messages\n`);
}
