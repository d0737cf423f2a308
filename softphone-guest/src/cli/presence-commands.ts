import { printJson } from '@offhook/common/cli';
import { printable } from '@offhook/common/printable';
import { withDaemon } from '../control/client.ts';
import type { LampInfo, MailboxInfo, StoredMessageInfo } from '../control/presence-schemas.ts';
import { table } from '../text/table.ts';
import type { Context } from './call-commands.ts';

/** Longer than SIP's Timer F. */
const SEND_DEADLINE_MS = 45_000;

export async function lamps({ paths, json, output }: Context): Promise<void> {
  const { lamps: list } = await withDaemon(paths, (daemon) => daemon.call('lamps.list', {}));
  if (json) printJson(output, { lamps: list });
  else output.out(list.length === 0 ? 'nobody is watched\n' : table(list.map(lampRow)));
}

export async function watch(
  { paths, json, output }: Context,
  target: string,
  options: { presence?: boolean; name?: string; account?: string; off?: boolean },
): Promise<void> {
  const { presence = false, name, account, off = false } = options;
  const line = account === undefined ? {} : { account };
  if (off) {
    await withDaemon(paths, (daemon) => daemon.call('lamp.unwatch', { target, ...line }));
    return;
  }
  const lamp = await withDaemon(paths, (daemon) =>
    daemon.call('lamp.watch', {
      target,
      event: presence ? 'presence' : 'dialog',
      ...(name !== undefined && { name }),
      ...line,
    }),
  );
  if (json) printJson(output, lamp);
  else output.out(table([lampRow(lamp)]));
}

export async function voicemail({ paths, json, output }: Context): Promise<void> {
  const { mailboxes } = await withDaemon(paths, (daemon) => daemon.call('voicemail.list', {}));
  if (json) printJson(output, { mailboxes });
  else output.out(mailboxes.length === 0 ? 'nothing is known\n' : table(mailboxes.map(mailboxRow)));
}

export async function message(
  { paths, json, output }: Context,
  to: string,
  text: string,
  account: string | undefined,
): Promise<void> {
  const sent = await withDaemon(paths, (daemon) =>
    daemon.call(
      'message.send',
      { to, text, ...(account !== undefined && { account }) },
      { timeoutMs: SEND_DEADLINE_MS },
    ),
  );
  if (json) printJson(output, sent);
}

export async function messages(
  { paths, json, output }: Context,
  peer: string | undefined,
  limit: number,
): Promise<void> {
  const { messages: list } = await withDaemon(paths, (daemon) =>
    daemon.call('messages.list', { limit, ...(peer !== undefined && { with: peer }) }),
  );
  if (json) printJson(output, { messages: list });
  else output.out(list.length === 0 ? 'no messages\n' : table(list.toReversed().map(messageRow)));
}

function lampRow({ target, name, state, note, trouble }: LampInfo): string[] {
  return [state, printable(name ?? target), printable(note ?? trouble ?? '')];
}

function mailboxRow({ account, fresh, old }: MailboxInfo): string[] {
  return [printable(account), `${fresh} new`, `${old} old`];
}

function messageRow(message: StoredMessageInfo): string[] {
  const { at, direction, peer, peerName, text, state, reason } = message;
  const who = printable(peerName ?? peer);
  const mark = state === 'failed' ? ` (not sent: ${printable(reason ?? '')})` : '';
  return [
    at.slice(0, 19).replace('T', ' '),
    direction === 'in' ? 'from' : 'to',
    who,
    `${printable(text)}${mark}`,
  ];
}
