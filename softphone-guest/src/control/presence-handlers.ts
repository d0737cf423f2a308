import type { CallManager, Line } from '../call/call-manager.ts';
import type { Conversations, StoredMessage } from '../presence/conversations.ts';
import type { Lamp } from '../presence/lamps.ts';
import type { PresenceBoard } from '../presence/presence.ts';
import type { ControlMethodName, ControlParams, ControlResult } from './api.ts';
import type { LampInfo, StoredMessageInfo } from './presence-schemas.ts';

export interface PresenceHandlersParts {
  readonly manager: CallManager;
  readonly presence: PresenceBoard;
  readonly conversations: Conversations;
  readonly nameOf: (uri: string) => string | undefined;
  readonly line: (name: string | undefined) => Line;
}

type Names = Extract<
  ControlMethodName,
  'lamps.list' | 'lamp.watch' | 'lamp.unwatch' | 'voicemail.list' | 'message.send' | 'messages.list'
>;

type Handlers = {
  readonly [M in Names]: (
    params: ControlParams<M>,
    context: { readonly signal: AbortSignal },
  ) => ControlResult<M> | Promise<ControlResult<M>>;
};

/** What is known of others, and text messages. */
export function presenceHandlers(parts: PresenceHandlersParts): Handlers {
  const { manager, presence, conversations, line, nameOf } = parts;
  const { lamps, mailboxes } = presence;
  return {
    'lamps.list': () => ({ lamps: lamps.list().map(describeLamp) }),
    'lamp.watch': ({ target, event, name, account }) => {
      const on = line(account);
      return describeLamp(
        lamps.watch({ line: on, target: manager.targetOf(on, target), event, name }),
      );
    },
    'lamp.unwatch': async ({ target, account }) => ({
      removed: await lamps.unwatch(manager.targetOf(line(account), target)),
    }),
    'voicemail.list': () => ({ mailboxes: [...mailboxes.list()] }),
    'message.send': async ({ to, text, account }, { signal }) => {
      const on = line(account);
      const message = await conversations.send(on, manager.targetOf(on, to), text, signal);
      return describeMessage(message, nameOf);
    },
    'messages.list': (options) => ({
      messages: conversations.list(options).map((one) => describeMessage(one, nameOf)),
    }),
  };
}

export function describeLamp(lamp: Lamp): LampInfo {
  const { target, name, account, event, state, note, trouble } = lamp;
  return {
    target,
    name: name ?? null,
    account,
    event,
    state,
    note: note ?? null,
    trouble: trouble ?? null,
  };
}

export function describeMessage(
  { at, ...message }: StoredMessage,
  nameOf: (uri: string) => string | undefined,
): StoredMessageInfo {
  return { ...message, contact: nameOf(message.peer) ?? null, at: new Date(at).toISOString() };
}
