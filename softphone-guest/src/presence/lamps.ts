import { Emitter, OffhookError } from '@offhook/common';
import type { ReplacesHeader, Subscription } from '@offhook/signaling';
import { applyDialogInfo, DIALOG_INFO, type DialogTable } from '@offhook/signaling/documents';
import type { Line } from '../call/call-manager.ts';
import { lampOf, rings } from './dialog-lamp.ts';
import { parsePidf, PIDF, type Presence } from './pidf.ts';

export interface Lamp {
  /** SIP URI that is watched. */
  readonly target: string;
  readonly name: string | undefined;
  /** Address of record of the line that watches. */
  readonly account: string;
  readonly event: 'dialog' | 'presence';
  /** `unknown`: nothing was told yet, or the subscription is lost. */
  readonly state: 'unknown' | 'free' | 'ringing' | 'busy' | 'away' | 'offline';
  /** Who calls there, or what the person has written. */
  readonly note: string | undefined;
  /** Why nothing is known. */
  readonly trouble: string | undefined;
}

export interface WatchOptions {
  readonly line: Line;
  readonly target: string;
  readonly event: 'dialog' | 'presence';
  readonly name?: string | undefined;
}

interface Watched {
  lamp: Lamp;
  readonly subscription: Subscription;
  dialogs: DialogTable | undefined;
}

/** More than that is a switchboard's, and wants a resource list (RFC 4662). */
const MAX_LAMPS = 500;

/** What others do: a lamp for each that is watched (RFC 4235 or RFC 3856 by subscription). */
export class Lamps {
  readonly events = new Emitter<{ changed: Lamp }>();
  readonly #watched = new Map<string, Watched>();

  list(): readonly Lamp[] {
    return [...this.#watched.values()].map(({ lamp }) => lamp);
  }

  /** Watching the same again changes nothing. @throws OffhookError `limit-reached`. */
  watch({ line, target, event, name }: WatchOptions): Lamp {
    const known = this.#watched.get(target);
    if (known !== undefined) return known.lamp;
    if (this.#watched.size >= MAX_LAMPS) {
      throw new OffhookError('call', 'limit-reached', `${MAX_LAMPS} lamps already`);
    }
    const accept = event === 'dialog' ? [DIALOG_INFO] : [PIDF];
    const subscription = line.account.subscribe(target, { event, accept });
    const account = line.config.aor;
    const none = { note: undefined, trouble: undefined };
    const watched: Watched = {
      lamp: { target, name, account, event, state: 'unknown', ...none },
      subscription,
      dialogs: undefined,
    };
    this.#watched.set(target, watched);
    subscription.on('notify', ({ body }) => {
      if (body?.type === DIALOG_INFO && event === 'dialog') this.#dialogs(watched, body.content);
      if (body?.type === PIDF && event === 'presence') this.#presence(watched, body.content);
    });
    subscription.on('state', (state) => {
      if (state.state === 'waiting' || state.state === 'ended') {
        this.#show(watched, { state: 'unknown', note: undefined, trouble: state.reason });
      }
    });
    return watched.lamp;
  }

  /** False if it was not watched. */
  async unwatch(target: string): Promise<boolean> {
    const watched = this.#watched.get(target);
    this.#watched.delete(target);
    await watched?.subscription.close();
    return watched !== undefined;
  }

  /**
   * What takes over the call that rings at a watched phone (RFC 3891): whom to send the INVITE, and
   * which of their dialogs it replaces. Undefined where the phone does not tell enough.
   */
  ringingAt(target: string): { caller: string; replaces: ReplacesHeader } | undefined {
    const dialog = this.#watched.get(target)?.dialogs?.dialogs.find(rings);
    const { callId, localTag, remoteTag, remote } = dialog ?? {};
    if (callId === undefined || localTag === undefined || remoteTag === undefined) return undefined;
    if (remote === undefined) return undefined;
    // As the caller has it, the watched phone's tag is the remote one: its own comes first.
    const replaces = { callId, toTag: remoteTag, fromTag: localTag, earlyOnly: true };
    return { caller: remote.uri, replaces };
  }

  #dialogs(watched: Watched, body: string): void {
    const table = applyDialogInfo(watched.dialogs, body);
    if (table === undefined) return;
    watched.dialogs = table;
    const caller = table.dialogs.find(rings)?.remote ?? table.dialogs[0]?.remote;
    this.#show(watched, {
      state: lampOf(table.dialogs),
      note: caller?.name ?? caller?.uri,
      trouble: undefined,
    });
  }

  #presence(watched: Watched, body: string): void {
    const presence = parsePidf(body);
    if (presence === undefined) return;
    this.#show(watched, { state: stateOf(presence), note: presence.note, trouble: undefined });
  }

  #show(watched: Watched, change: Pick<Lamp, 'state' | 'note' | 'trouble'>): void {
    const { state, note, trouble } = watched.lamp;
    if (state === change.state && note === change.note && trouble === change.trouble) return;
    watched.lamp = { ...watched.lamp, ...change };
    if (this.#watched.get(watched.lamp.target) === watched)
      this.events.emit('changed', watched.lamp);
  }
}

function stateOf({ open, activity }: Presence): Lamp['state'] {
  if (activity === 'on-the-phone' || activity === 'busy') return 'busy';
  if (activity === 'away') return 'away';
  return open ? 'free' : 'offline';
}
