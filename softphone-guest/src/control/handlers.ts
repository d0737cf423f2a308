import { describeError, OffhookError, type ControlMethods } from '@offhook/common';
import type { CallManager, Line } from '../call/call-manager.ts';
import { lineOf, type Dialler } from '../call/dialler.ts';
import { isOver } from '../call/model.ts';
import { runningRecording } from '../call/recordings.ts';
import type { Settings } from '../call/person-settings.ts';
import type { Conversations } from '../presence/conversations.ts';
import type { PresenceBoard } from '../presence/presence.ts';
import type { Handset, PhoneCall } from '../handset/handset.ts';
import type { Handsets } from '../handset/handsets.ts';
import type { Mover } from '../handset/mover.ts';
import type { MediaPort } from '../media-port.ts';
import type { Journal } from '../journal/journal.ts';
import type { ContactBook } from '../people/contact-book.ts';
import type { CallStatisticsKeeper } from '../statistics/call-statistics.ts';
import type { TraceStore } from '../trace/trace-store.ts';
import {
  controlMethods,
  type ControlMethodName,
  type ControlParams,
  type ControlResult,
} from './api.ts';
import { describeAccount, describeCall, describePreview, describeRow } from './info.ts';
import type { CallInfo, CheckInfo, StatusInfo } from './schemas.ts';
import { presenceHandlers } from './presence-handlers.ts';
import { transferHandlers } from './transfer-handlers.ts';
import { searchHistory } from './search-history.ts';
import { selectCall, selectCalls, type CallFilter } from './select-calls.ts';
import { getTrace } from './trace-handler.ts';
import type { EngineRoster } from '../engine-roster.ts';
import type { AccountChanges } from '../running-daemon.ts';

export interface ControlHandlersParts {
  readonly manager: CallManager;
  readonly handsets: Handsets;
  readonly mover: Mover | undefined;
  readonly dialler: Dialler;
  readonly settings: Settings;
  readonly presence: PresenceBoard;
  readonly conversations: Conversations;
  readonly lines: readonly Line[];
  /** Address of record of the line that dials when none is named. */
  readonly defaultAccount: string | undefined;
  readonly media: MediaPort & Pick<EngineRoster, 'seats' | 'use'>;
  readonly trace: TraceStore;
  readonly statistics: CallStatisticsKeeper;
  readonly journal: Pick<Journal, 'rows'>;
  readonly contacts: ContactBook;
  readonly status: () => StatusInfo;
  readonly reload?: () => Promise<AccountChanges>;
  readonly doctor: (signal: AbortSignal, target?: string) => Promise<readonly CheckInfo[]>;
}

/** Longer than SIP's Timer F. */
const HANGUP_MS = 35_000;

type Handlers = {
  readonly [M in ControlMethodName]: (
    params: ControlParams<M>,
    context: { readonly signal: AbortSignal },
  ) => ControlResult<M> | Promise<ControlResult<M>>;
};

const live: CallFilter['fits'] = (session) => !isOver(session.call);
const incoming: CallFilter['fits'] = ({ call }) => call.phase === 'incoming';

/** The daemon's side of the control socket: the table's rows with what carries them out. */
export function controlHandlers(parts: ControlHandlersParts): ControlMethods {
  const { manager, handsets, lines, media } = parts;
  const sessions = () => handsets.list().filter((session) => session.call.phase !== 'ended');
  const one = (id: string | undefined, verb: string, fits: CallFilter['fits']) =>
    selectCall(sessions(), id, { verb, fits });
  const some = (
    params: { call?: string | undefined; all: boolean },
    verb: string,
    fits: CallFilter['fits'],
  ) => selectCalls(sessions(), params, { verb, fits });

  const handlers: Handlers = {
    ...presenceHandlers({
      nameOf: (uri) => parts.contacts.atParty(uri)?.name,
      manager,
      presence: parts.presence,
      conversations: parts.conversations,
      line: (name) => lineOf(lines, name ?? parts.defaultAccount),
    }),
    ...transferHandlers({
      manager,
      handsets,
      mover: parts.mover,
      dialler: parts.dialler,
      settings: parts.settings,
      lines,
      one,
      line: (name) => lineOf(lines, name ?? parts.defaultAccount),
      established,
    }),
    status: () => parts.status(),
    'journal.get': () => ({
      journal: parts.status().journal,
      calls: parts.journal.rows().map(describeRow),
    }),
    'calls.list': async () => ({ calls: await Promise.all(sessions().map(withFreshStats)) }),
    'call.get': async ({ call }) => {
      const over = call === undefined ? undefined : handsets.history.find(call);
      if (over !== undefined) return describeCall(over.call, over.stats);
      // Over, and its last figures are still being fetched.
      const closing = handsets.list().find((session) => session.id === call);
      if (closing !== undefined) return withFreshStats(closing);
      return withFreshStats(one(call, 'show', () => true));
    },
    'call.dial': async ({ target, account, wait }, { signal }) => {
      const session = await parts.dialler.dial(target, account);
      if (wait !== undefined) await established(session, wait, signal);
      return describeSession(session);
    },
    'call.preview': ({ target, account }) =>
      describePreview(parts.dialler.preview(target, account)),
    'call.answer': async ({ call, wait }, { signal }) => {
      const session = one(call, 'answer', incoming);
      await handsets.of(session).answer(session.id);
      if (wait !== undefined) await established(session, wait, signal);
      return describeSession(session);
    },
    'call.reject': async (params) => {
      const chosen = some(params, 'reject', incoming);
      for (const session of chosen) await handsets.of(session).reject(session.id, params);
      return { calls: chosen.map(describeSession) };
    },
    'call.hangup': async (params) => {
      const chosen = some(params, 'hang up', live);
      await Promise.all(chosen.map((session) => hangUp(handsets.of(session), session)));
      return { calls: chosen.map(describeSession) };
    },
    'call.hold': async (params, { signal }) => {
      const chosen = some(
        params,
        'hold',
        ({ call }) => call.phase === 'established' && !call.hold.inForce,
      );
      const outcomes = await Promise.allSettled(
        chosen.map((session) => handsets.of(session).hold(session.id, signal)),
      );
      return heldAndNot(chosen, outcomes, params.all && params.call === undefined);
    },
    'call.resume': async ({ call }, { signal }) => {
      const session = one(
        call,
        'resume',
        ({ call }) => call.phase === 'established' && call.hold.wanted,
      );
      await handsets.of(session).resume(session.id, signal);
      return describeSession(session);
    },
    'call.mute': (params) => mute(handsets, some(params, 'mute', live), true),
    'call.unmute': (params) => mute(handsets, some(params, 'unmute', live), false),
    'call.dtmf': async ({ call, digits }) => {
      const session = one(
        call,
        'send DTMF on',
        ({ call }) => call.phase === 'established' || call.phase === 'early',
      );
      await handsets.of(session).dtmf(session.id, digits.toUpperCase());
      return describeSession(session);
    },
    'call.record': async ({ call, action }) => {
      const fits: CallFilter['fits'] = ({ call: { phase, recordings } }) =>
        phase === 'established' &&
        (action === 'start' || runningRecording(recordings) !== undefined);
      const session = one(call, `${action} recording`, fits);
      await handsets.of(session).record(session.id, action);
      return describeSession(session);
    },
    'history.list': (wanted) => ({ calls: searchHistory(handsets.history.list(), wanted) }),
    'trace.get': (params, { signal }) => getTrace(parts, params, signal),
    'stats.get': ({ call }) => parts.statistics.get(call),
    'contacts.list': ({ query, limit }) => ({
      contacts: parts.contacts.list(query).slice(0, limit),
    }),
    'contacts.save': (given) => parts.contacts.save(given),
    'contacts.favourite': ({ contact, favourite }) => parts.contacts.favour(contact, favourite),
    'contacts.remove': ({ contact }) => parts.contacts.remove(contact),
    'contacts.import': ({ vcards }) => parts.contacts.import(vcards),
    'accounts.list': () => ({
      accounts: lines.map(({ config, account }) => describeAccount(config, account)),
    }),
    'config.reload': () => {
      if (parts.reload !== undefined) return parts.reload();
      throw new OffhookError(
        'control',
        'unsupported',
        'this daemon has its configuration for good',
      );
    },
    'account.register': async ({ account: name }) => {
      const { config, account } = lineOf(lines, name);
      await account.register();
      return describeAccount(config, account);
    },
    'account.unregister': async ({ account: name }) => {
      const { config, account } = lineOf(lines, name);
      await account.unregister();
      return describeAccount(config, account);
    },
    'engines.list': () => ({ engines: [...media.seats] }),
    'engines.use': ({ channel }) => {
      if (!media.use(channel)) {
        throw new OffhookError('engine', 'not-connected', `no engine is connected at ${channel}`, {
          remedy: 'see `offhook use` for those that are',
        });
      }
      return { engines: [...media.seats] };
    },
    'devices.list': () => media.call('devices.list', {}),
    'devices.select': async (params) => {
      await media.call('devices.select', params);
      return media.call('devices.list', {});
    },
    'audio.volume': (params) => media.call('audio.volume', params),
    'audio.voice': (params) => media.call('audio.voice', params),
    'doctor.run': async ({ call }, { signal }) => ({
      checks: [...(await parts.doctor(signal, call))],
    }),
  };
  return bind(handlers);
}

/** Puts each handler to its row. The rows' schemas stand between: what arrives is validated. */
function bind(handlers: Handlers): ControlMethods {
  return Object.fromEntries(
    Object.entries(controlMethods).map(([name, { params, result }]) => [
      name,
      { params: params.strict(), result, handle: handlers[name as ControlMethodName] as never },
    ]),
  );
}

function describeSession(session: PhoneCall): CallInfo {
  return describeCall(session.call, session.lastStats);
}

async function withFreshStats(session: PhoneCall): Promise<CallInfo> {
  const stats = await session.stats();
  return describeCall(session.call, stats);
}

/** Over for us is enough: a far end that does not answer the BYE keeps nobody waiting. */
async function hangUp(handset: Handset, session: PhoneCall): Promise<void> {
  const over = session.until(() => session.call.phase === 'ended', HANGUP_MS);
  await Promise.race([handset.hangup(session.id), over]);
}

/** @throws the refusal, unless all calls were meant: then each has its own outcome. */
function heldAndNot(
  chosen: readonly PhoneCall[],
  outcomes: readonly PromiseSettledResult<void>[],
  all: boolean,
): ControlResult<'call.hold'> {
  const failed = chosen.flatMap((session, index) => {
    const outcome = outcomes[index];
    if (outcome?.status !== 'rejected') return [];
    if (!all) throw outcome.reason;
    return [{ call: session.id, message: describeError(outcome.reason) }];
  });
  const held = chosen.filter(({ id }) => !failed.some(({ call }) => call === id));
  return { calls: held.map(describeSession), failed };
}

async function mute(
  handsets: Handsets,
  chosen: readonly PhoneCall[],
  muted: boolean,
): Promise<{ calls: CallInfo[] }> {
  for (const session of chosen) await handsets.of(session).mute(session.id, muted);
  return { calls: chosen.map(describeSession) };
}

/** Rejects with the far end's words when it refuses. */
async function established(session: PhoneCall, ms: number, signal: AbortSignal): Promise<void> {
  const decided = () => session.call.phase === 'established' || session.call.phase === 'ended';
  if (!(await session.until(decided, ms, signal))) {
    signal.throwIfAborted();
    throw new OffhookError(
      'call',
      'timeout',
      `call ${session.id}: not answered in ${ms / 1000} s`,
      {
        details: { call: session.id },
      },
    );
  }
  const { call } = session;
  if (call.phase === 'established') return;
  const { status = 0, reason = 'ended' } = call.end ?? {};
  throw new OffhookError(
    'call',
    'refused',
    `${call.remote.uri}: ${reason}${status > 200 ? ` (SIP ${status})` : ''}`,
    { details: { call: call.id, status, reason } },
  );
}
