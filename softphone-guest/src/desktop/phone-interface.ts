import { describeError, OffhookError } from '@offhook/common';
import {
  defineInterface,
  Variant,
  type DefinedInterface,
  type MethodDefinition,
} from 'dbus-native';
import type { DaemonClient } from '../control/client.ts';
import type { AccountInfo, CallInfo } from '../control/schemas.ts';

export const PHONE_NAME = 'org.offhook.Phone1';
export const PHONE_PATH = '/org/offhook/Phone1';
const ERROR = 'org.offhook.Error';
/** Calls of methods by all programs together; beyond, they are refused. */
const MAX_IN_A_WINDOW = 50;
const WINDOW_MS = 5000;

/** A call as the bus has it (`a{sv}`): strings, booleans; no name or time is an empty string. */
export type BusCall = Readonly<Record<string, Variant>>;

/**
 * `org.offhook.Phone1`, whose introspection XML is in docs/dbus.md. Where a method takes a call, an empty
 * string means the one that is meant: the only one, or the one that rings.
 */
export function phoneInterface(parts: {
  readonly daemon: DaemonClient;
  readonly version: string;
  readonly now: () => number;
  readonly inCall: () => boolean;
}): DefinedInterface {
  const { daemon } = parts;
  const allow = rateLimit(parts.now);
  const method = (
    definition: Omit<MethodDefinition, 'handler'>,
    work: (args: Readonly<Record<string, string>>) => Promise<unknown>,
  ): MethodDefinition => ({
    ...definition,
    handler: async (args: Readonly<Record<string, string>>) => {
      try {
        allow();
        return await work(args);
      } catch (error) {
        throw busError(error);
      }
    },
  });
  const onCall = (name: 'answer' | 'reject' | 'hangup' | 'hold' | 'resume' | 'mute' | 'unmute') =>
    method({ in: { call: 's' } }, async ({ call }) => {
      await daemon.call(`call.${name}`, optional('call', call));
    });
  return defineInterface({
    name: PHONE_NAME,
    methods: {
      Dial: method({ in: { target: 's', account: 's' }, out: { call: 's' } }, async (args) => {
        const { target = '', account } = args;
        return (await daemon.call('call.dial', { target, ...optional('account', account) })).id;
      }),
      Answer: onCall('answer'),
      Reject: onCall('reject'),
      HangUp: onCall('hangup'),
      Hold: onCall('hold'),
      Resume: onCall('resume'),
      Mute: onCall('mute'),
      Unmute: onCall('unmute'),
      SendDigits: method({ in: { call: 's', digits: 's' } }, async ({ call, digits = '' }) => {
        await daemon.call('call.dtmf', { ...optional('call', call), digits });
      }),
      Transfer: method({ in: { call: 's', target: 's' } }, async ({ call, target = '' }) => {
        await daemon.call('call.transfer', { ...optional('call', call), target });
      }),
      ListCalls: method({ out: { calls: 'aa{sv}' } }, async () => {
        const { calls } = await daemon.call('calls.list', {});
        return calls.map(busCall);
      }),
      ListAccounts: method({ out: { accounts: 'aa{sv}' } }, async () => {
        const { accounts } = await daemon.call('accounts.list', {});
        return accounts.map(busAccount);
      }),
    },
    properties: {
      Version: { type: 's', access: 'read', get: () => parts.version },
      InCall: { type: 'b', access: 'read', get: parts.inCall },
    },
    signals: {
      CallChanged: { args: { call: 'a{sv}' } },
      CallEnded: { args: { call: 'a{sv}' } },
      AccountChanged: { args: { account: 'a{sv}' } },
    },
  });
}

export function busCall(call: CallInfo): BusCall {
  const text = {
    id: call.id,
    account: call.account,
    direction: call.direction,
    state: call.state,
    remote: call.remote,
    name: call.contact ?? call.remoteName ?? '',
    startedAt: call.startedAt,
    answeredAt: call.answeredAt ?? '',
    endReason: call.end?.reason ?? '',
  };
  const { held, remoteHeld, muted } = call;
  return { ...variants('s', text), ...variants('b', { held, remoteHeld, muted }) };
}

export function busAccount({ aor, state, reason }: AccountInfo): BusCall {
  return variants('s', { aor, state, reason: reason ?? '' });
}

function variants(signature: string, values: Readonly<Record<string, unknown>>): BusCall {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, new Variant(signature, value)]),
  );
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined || value === '' ? {} : ({ [key]: value } as { [P in K]?: string });
}

/** `org.offhook.Error.BadTarget` from `bad-target`, with the message and what to do about it. */
function busError(error: unknown): BusError {
  const code = error instanceof OffhookError ? error.code : 'failed';
  const name = code.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return new BusError(`${ERROR}.${name}`, describeError(error));
}

/** What a method answers when it fails: the library looks for `dbusName`. */
class BusError extends Error {
  readonly dbusName: string;

  constructor(dbusName: string, message: string) {
    super(message);
    this.dbusName = dbusName;
  }
}

function rateLimit(now: () => number): () => void {
  let [since, count] = [now(), 0];
  return () => {
    const at = now();
    if (at - since > WINDOW_MS) [since, count] = [at, 0];
    if (++count <= MAX_IN_A_WINDOW) return;
    throw new OffhookError('control', 'limit-reached', 'too many calls of methods', {
      remedy: `more than ${MAX_IN_A_WINDOW} in ${WINDOW_MS / 1000} s are refused`,
    });
  };
}
