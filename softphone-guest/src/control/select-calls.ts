import { OffhookError } from '@offhook/common';
import type { PhoneCall } from '../handset/handset.ts';

/** Which calls a command can be about. */
export interface CallFilter {
  /** For the message: "no call to answer". */
  readonly verb: string;
  readonly fits: (session: PhoneCall) => boolean;
}

/** The one that is named, or the only one that can be meant. */
export function selectCall(
  sessions: readonly PhoneCall[],
  id: string | undefined,
  filter: CallFilter,
): PhoneCall {
  if (id !== undefined) return named(sessions, id);
  const fitting = sessions.filter((session) => filter.fits(session));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (only === undefined) throw unknown(`there is no call to ${filter.verb}`, sessions);
  throw new OffhookError(
    'call',
    'ambiguous',
    `there are ${fitting.length} calls to ${filter.verb}: ${list(fitting)}`,
    { remedy: 'name one', details: { calls: fitting.map((session) => session.id) } },
  );
}

/** Those that are named, every one that fits with `all`, or the only one that can be meant. */
export function selectCalls(
  sessions: readonly PhoneCall[],
  params: { call?: string | undefined; all: boolean },
  filter: CallFilter,
): readonly PhoneCall[] {
  return params.all && params.call === undefined
    ? sessions.filter((session) => filter.fits(session))
    : [selectCall(sessions, params.call, filter)];
}

function named(sessions: readonly PhoneCall[], id: string): PhoneCall {
  const exact = sessions.find((session) => session.id === id);
  if (exact !== undefined) return exact;
  const [first, second] = sessions.filter((session) => session.id.startsWith(id));
  if (first !== undefined && second === undefined) return first;
  throw unknown(
    first === undefined ? `there is no call ${id}` : `${id} begins more than one call's id`,
    sessions,
  );
}

function unknown(what: string, sessions: readonly PhoneCall[]): OffhookError {
  const rest = sessions.length === 0 ? 'there are no calls' : `calls: ${list(sessions)}`;
  return new OffhookError('call', 'unknown-call', `${what}; ${rest}`, {
    details: { calls: sessions.map((session) => session.id) },
  });
}

function list(sessions: readonly PhoneCall[]): string {
  return sessions
    .map((session) => `${session.id} (${session.call.phase}, ${session.call.remote.uri})`)
    .join(', ');
}
