import { OffhookError } from '@offhook/common';
import type { ReferralState } from '@offhook/signaling';
import type { CallManager, Line } from '../call/call-manager.ts';
import type { CallSession } from '../call/call-session.ts';
import type { Settings } from '../call/person-settings.ts';
import type { GuestConfig } from '../config.ts';
import type { ControlMethodName, ControlParams, ControlResult } from './api.ts';
import { describeCall, describeSettings } from './info.ts';
import type { CallInfo } from './schemas.ts';
import type { CallFilter } from './select-calls.ts';

export interface TransferHandlersParts {
  readonly manager: CallManager;
  readonly settings: Settings;
  /** By Replaces; undefined where the watched phone does not tell enough. */
  readonly pickUp: (line: Line, extension: string) => CallSession | undefined;
  readonly lines: readonly Line[];
  readonly codes: GuestConfig['codes'];
  readonly one: (id: string | undefined, verb: string, fits: CallFilter['fits']) => CallSession;
  readonly line: (name: string | undefined) => Line;
  /** Waits until a call is established; rejects when it is refused. */
  readonly established: (session: CallSession, ms: number, signal: AbortSignal) => Promise<void>;
}

type Names = Extract<
  ControlMethodName,
  | 'call.redirect'
  | 'call.redial'
  | 'call.swap'
  | 'call.transfer'
  | 'call.park'
  | 'call.join'
  | 'call.leave'
  | 'call.pickup'
  | 'call.retrieve'
  | 'settings.get'
  | 'settings.doNotDisturb'
  | 'settings.forward'
>;

type Handlers = {
  readonly [M in Names]: (
    params: ControlParams<M>,
    context: { readonly signal: AbortSignal },
  ) => ControlResult<M> | Promise<ControlResult<M>>;
};

const talking: CallFilter['fits'] = ({ call }) => call.phase === 'established';
const active: CallFilter['fits'] = (session) => talking(session) && !session.call.hold.wanted;

/** Calls that change hands, and what the person sets about calls to come. */
export function transferHandlers(parts: TransferHandlersParts): Handlers {
  const { manager, settings, lines, codes, one, line } = parts;
  const lineOf = (session: CallSession): Line => line(session.call.account);
  const dial = async (
    on: Line,
    target: string,
    wait: number | undefined,
    signal: AbortSignal,
  ): Promise<CallInfo> => {
    const session = manager.dial(on, target);
    if (wait !== undefined) await parts.established(session, wait, signal);
    return describe(session);
  };
  const settingsNow = () => describeSettings(settings, lines);
  /** The talk of the moment rather than calls on hold. */
  const meant = (id: string | undefined, verb: string): CallSession =>
    one(id, verb, manager.list().some(active) ? active : talking);

  return {
    'call.redirect': ({ call, targets }) => {
      const session = one(call, 'redirect', ({ call }) => call.phase === 'incoming');
      const contacts = targets.map((target) => manager.targetOf(lineOf(session), target));
      session.input({ type: 'reject', status: 302, contacts });
      return describe(session);
    },
    'call.redial': ({ wait }, { signal }) => {
      const { account, remote } = manager.lastDialled;
      return dial(line(account), remote.uri, wait, signal);
    },
    'call.swap': async (_params, { signal }) => describe(await manager.swap(signal)),
    'call.transfer': ({ call, target, other, wait }, { signal }) => {
      if ((target === undefined) === (other === undefined)) {
        throw new OffhookError('control', 'invalid-params', 'say a target or another call');
      }
      if (target !== undefined) {
        const session = meant(call, 'transfer');
        const uri = manager.targetOf(lineOf(session), target);
        return transferred(session, manager.transfers.blind(session, uri), wait, signal);
      }
      const second = one(other, 'transfer to', talking);
      const session = one(call, 'transfer', (one) => talking(one) && one !== second);
      if (session === second) {
        throw new OffhookError('control', 'invalid-params', 'that is the same call');
      }
      return transferred(session, manager.transfers.attended(session, second), wait, signal);
    },
    'call.join': async ({ calls }, { signal }) => {
      const chosen =
        calls.length === 0
          ? manager.list().filter(talking)
          : calls.map((id) => one(id, 'join', talking));
      await manager.conferences.join(chosen, signal);
      const [first] = chosen;
      return { calls: first === undefined ? [] : manager.conferences.of(first).map(describe) };
    },
    'call.leave': async ({ call }, { signal }) => {
      const session = one(call, 'take out', ({ call }) => call.conference !== undefined);
      await manager.conferences.leave(session, signal);
      return describe(session);
    },
    'call.park': ({ call, wait }, { signal }) => {
      const session = meant(call, 'park');
      const uri = manager.targetOf(lineOf(session), code(codes.park, 'park', undefined));
      return transferred(session, manager.transfers.blind(session, uri), wait, signal);
    },
    'call.pickup': async ({ extension, account, wait }, { signal }) => {
      const taken = extension === undefined ? undefined : parts.pickUp(line(account), extension);
      if (taken !== undefined) {
        if (wait !== undefined) await parts.established(taken, wait, signal);
        return describe(taken);
      }
      return dial(
        line(account),
        extension === undefined
          ? code(codes.group_pickup, 'group_pickup', undefined)
          : code(codes.pickup, 'pickup', userOf(extension)),
        wait,
        signal,
      );
    },
    'call.retrieve': ({ extension, account, wait }, { signal }) =>
      dial(
        line(account),
        code(codes.retrieve ?? '{extension}', 'retrieve', extension),
        wait,
        signal,
      ),
    'settings.get': settingsNow,
    'settings.doNotDisturb': ({ on }) => {
      settings.setDoNotDisturb(on);
      return settingsNow();
    },
    'settings.forward': ({ account, ...forwarding }) => {
      const on = line(account);
      // What cannot be called is refused now, not when somebody calls.
      for (const target of [forwarding.always, forwarding.busy, forwarding.noAnswer]) {
        if (target !== undefined) manager.targetOf(on, target);
      }
      settings.setForwarding(on.config.aor, forwarding);
      return settingsNow();
    },
  };
}

/** What the PBX calls a phone: lamps have its whole address. */
function userOf(extension: string): string {
  return /^sips?:([^@;]+)@/i.exec(extension)?.[1] ?? extension;
}

/** A feature code of the configuration, filled in. */
function code(text: string | undefined, key: string, extension: string | undefined): string {
  if (text === undefined) {
    throw new OffhookError('call', 'no-code', `no feature code for that`, {
      remedy: `set ${key} in [codes]`,
    });
  }
  return text.replaceAll('{extension}', extension ?? '');
}

async function transferred(
  session: CallSession,
  outcome: Promise<ReferralState>,
  ms: number | undefined,
  signal: AbortSignal,
): Promise<CallInfo> {
  if (ms === undefined) {
    outcome.catch(() => undefined);
    return describe(session);
  }
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const over = Promise.withResolvers<never>();
  const late = (): void =>
    over.reject(
      signal.aborted
        ? signal.reason
        : new OffhookError('call', 'timeout', `call ${session.id}: nothing heard of the transfer`, {
            details: { call: session.id },
          }),
    );
  timeout.addEventListener('abort', late, { once: true });
  try {
    const state = await Promise.race([outcome, over.promise]);
    if (state.state === 'failed' || state.state === 'refused') {
      const { status, reason } = state;
      throw new OffhookError('call', 'refused', `the transfer failed: ${reason} (SIP ${status})`, {
        details: { call: session.id, status, reason },
      });
    }
    return describe(session);
  } finally {
    timeout.removeEventListener('abort', late);
  }
}

function describe(session: CallSession): CallInfo {
  return describeCall(session.call, session.lastStats);
}
