import { OffhookError } from '@offhook/common';
import type { CallManager, Line } from '../call/call-manager.ts';
import type { Dialler } from '../call/dialler.ts';
import type { Settings } from '../call/person-settings.ts';
import type { PhoneCall, TransferUnderWay } from '../handset/handset.ts';
import type { Handsets } from '../handset/handsets.ts';
import type { Mover } from '../handset/mover.ts';
import type { ControlMethodName, ControlParams, ControlResult } from './api.ts';
import { describeCall, describeMode, describeSettings } from './info.ts';
import type { CallInfo } from './schemas.ts';
import type { CallFilter } from './select-calls.ts';

export interface TransferHandlersParts {
  readonly manager: Pick<CallManager, 'targetOf'>;
  readonly handsets: Handsets;
  /** Absent where there is no desk phone. */
  readonly mover: Mover | undefined;
  readonly dialler: Dialler;
  readonly settings: Settings;
  readonly lines: readonly Line[];
  readonly one: (id: string | undefined, verb: string, fits: CallFilter['fits']) => PhoneCall;
  readonly line: (name: string | undefined) => Line;
  /** Waits until a call is established; rejects when it is refused. */
  readonly established: (session: PhoneCall, ms: number, signal: AbortSignal) => Promise<void>;
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
  | 'call.move'
  | 'mode.get'
  | 'mode.set'
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
  const { manager, handsets, settings, lines, one, line } = parts;
  const shown = async (
    placed: Promise<PhoneCall>,
    wait: number | undefined,
    signal: AbortSignal,
  ): Promise<CallInfo> => {
    const call = await placed;
    if (wait !== undefined) await parts.established(call, wait, signal);
    return describe(call);
  };
  const settingsNow = () => describeSettings(settings, lines, handsets);
  /** The talk of the moment rather than calls on hold. */
  const meant = (id: string | undefined, verb: string): PhoneCall =>
    one(id, verb, handsets.list().some(active) ? active : talking);

  return {
    'call.redirect': async ({ call, targets }) => {
      const session = one(call, 'redirect', ({ call }) => call.phase === 'incoming');
      await handsets.of(session).redirect(session.id, targets);
      return describe(session);
    },
    'call.redial': ({ wait }, { signal }) => shown(parts.dialler.redial(), wait, signal),
    'call.swap': async (_params, { signal }) => describe(await handsets.current.swap(signal)),
    'call.transfer': async ({ call, target, other, wait }, { signal }) => {
      if ((target === undefined) === (other === undefined)) {
        throw new OffhookError('control', 'invalid-params', 'say a target or another call');
      }
      if (target !== undefined) {
        const session = meant(call, 'transfer');
        const underWay = await handsets.of(session).transfer(session.id, target);
        return transferred(session, underWay, wait, signal);
      }
      const second = one(other, 'transfer to', talking);
      const session = one(call, 'transfer', (one) => talking(one) && one !== second);
      if (session === second) {
        throw new OffhookError('control', 'invalid-params', 'that is the same call');
      }
      requireSamePlace([session, second]);
      const underWay = await handsets.of(session).attended(session.id, second.id);
      return transferred(session, underWay, wait, signal);
    },
    'call.join': async ({ calls }, { signal }) => {
      const chosen =
        calls.length === 0
          ? handsets.current.list().filter(talking)
          : calls.map((id) => one(id, 'join', talking));
      requireSamePlace(chosen);
      const [first] = chosen;
      const handset = first === undefined ? handsets.current : handsets.of(first);
      const ids = chosen.map(({ id }) => id);
      return { calls: (await handset.join(ids, signal)).map(describe) };
    },
    'call.leave': async ({ call }, { signal }) => {
      const session = one(call, 'take out', ({ call }) => call.conference !== undefined);
      await handsets.of(session).leave(session.id, signal);
      return describe(session);
    },
    'call.park': async ({ call, wait }, { signal }) => {
      const session = meant(call, 'park');
      return transferred(session, await handsets.of(session).park(session.id), wait, signal);
    },
    'call.pickup': ({ extension, account, wait }, { signal }) =>
      shown(handsets.current.pickup(line(account), extension), wait, signal),
    'call.retrieve': ({ extension, account, wait }, { signal }) =>
      shown(handsets.current.retrieve(line(account), extension), wait, signal),
    'call.move': async ({ call, to }, { signal }) => {
      handsets.requireDesk();
      const session = one(
        call,
        'move',
        (one) =>
          (talking(one) || one.call.phase === 'incoming') &&
          (to === undefined || one.call.place !== to),
      );
      const other = session.call.place === 'desk' ? 'soft' : 'desk';
      const there = await parts.mover?.move(session, to ?? other, signal);
      return describe(there ?? session);
    },
    'mode.get': () => describeMode(handsets),
    'mode.set': ({ mode }) => {
      handsets.setMode(mode);
      return describeMode(handsets);
    },
    'settings.get': settingsNow,
    'settings.doNotDisturb': async ({ on }) => {
      if (handsets.mode === 'desk') await handsets.requireDesk().setDoNotDisturb(on);
      settings.setDoNotDisturb(on);
      return settingsNow();
    },
    'settings.forward': async ({ account, asConfigured, ...forwarding }) => {
      if (account === undefined ? handsets.mode === 'desk' : account.startsWith('desk:')) {
        await handsets.requireDesk().setForwarding(forwarding);
        return settingsNow();
      }
      const on = line(account);
      if (asConfigured) {
        settings.resetForwarding(on.config.aor);
        return settingsNow();
      }
      // What cannot be called is refused now, not when somebody calls.
      for (const target of [forwarding.always, forwarding.busy, forwarding.noAnswer]) {
        if (target !== undefined) manager.targetOf(on, target);
      }
      settings.setForwarding(on.config.aor, forwarding);
      return settingsNow();
    },
  };
}

function requireSamePlace(calls: readonly PhoneCall[]): void {
  const [first] = calls;
  if (calls.every(({ call }) => call.place === first?.call.place)) return;
  throw new OffhookError('call', 'wrong-state', 'one call is at the desk phone, the other is not', {
    remedy: 'move one with `offhook move` first',
  });
}

async function transferred(
  session: PhoneCall,
  { done: outcome }: TransferUnderWay,
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

function describe(session: PhoneCall): CallInfo {
  return describeCall(session.call, session.lastStats);
}
