import { Emitter, isOffhookError, OffhookError, type Clock, type Logger } from '@offhook/common';
import { HEADSET_BUTTONS, mediaError, methods } from '@offhook/media-rpc';
import type {
  MediaEngine,
  MediaErrorCode,
  MediaEvents,
  MethodName,
  MethodParams,
  MethodResult,
  SessionStats,
  ThinClientLocation,
} from '@offhook/media-rpc';
import type { Devices } from './devices.ts';
import type { MediaPlane } from './media-plane.ts';
import { receives, sends } from './sdp/direction.ts';
import type { Guests } from './session/guests.ts';
import type { LiveSession } from './session/live-session.ts';
import type { GuestIdentity } from './session/record.ts';
import type { Sessions } from './session/sessions.ts';
import type { ToneBoard } from './tone-board.ts';
import type { Wills } from './will/wills.ts';

export interface GuestEngineParts {
  /** This engine's own instance id. */
  readonly engine: string;
  /** Where this thin client is; null: unknown. */
  readonly location: () => ThinClientLocation | null;
  readonly guest: GuestIdentity;
  /** What the guest's side of the link says that it can do. */
  readonly capabilities: readonly string[];
  readonly guests: Guests;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly tones: ToneBoard;
  readonly wills: Wills;
  /** What has to outlive the engine is written down. */
  readonly save: () => Promise<void>;
  /** The session was another instance's until now. */
  readonly onClaimed: (id: string, from: GuestIdentity) => void;
  readonly plane: MediaPlane;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: () => MediaEvents['engine.health'];
  /** How many sessions the policy allows the guest. */
  readonly maxSessions: number;
  readonly stats: (session: LiveSession) => Promise<SessionStats>;
}

type Handlers = {
  readonly [M in MethodName]: (params: MethodParams<M>) => Promise<MethodResult<M>>;
};

/**
 * An id this long is a secret between the guest that chose it and the engine, so that whoever knows
 * it may take over the session of a guest that is gone.
 */
const PROOF_LENGTH = 16;

/** One guest connection's view of the engine: the contract's methods for its own sessions. */
export class GuestEngine implements MediaEngine {
  readonly #parts: GuestEngineParts;
  readonly #events = new Emitter<MediaEvents>();
  readonly #disconnect: () => void;
  #statsMs = 0;
  #statsTimer: { cancel(): void } | undefined;
  #statsRunning = false;
  #closed = false;

  constructor(parts: GuestEngineParts) {
    this.#parts = parts;
    this.#disconnect = parts.guests.connect(parts.guest);
  }

  get guest(): GuestIdentity {
    return this.#parts.guest;
  }

  /** It knows what to do with the buttons of a headset. */
  get takesButtons(): boolean {
    return this.#parts.capabilities.includes(HEADSET_BUTTONS);
  }

  /** A call waits here to be taken. */
  get rings(): boolean {
    return this.#parts.tones.rings;
  }

  /** The guest is used at this thin client, as far as it has said. */
  get used(): boolean {
    const { guests, guest } = this.#parts;
    return guests.all.find(({ instance }) => instance === guest.instance)?.active !== false;
  }

  on<K extends keyof MediaEvents>(name: K, listener: (event: MediaEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  emit<K extends keyof MediaEvents>(name: K, event: MediaEvents[K]): void {
    if (!this.#closed) this.#events.emit(name, event);
  }

  async handle<M extends MethodName>(
    method: M,
    params: MethodParams<M>,
    { signal }: { signal: AbortSignal },
  ): Promise<MethodResult<M>> {
    signal.throwIfAborted();
    if (this.#closed) throw new OffhookError('engine', 'closed', 'The connection is closed');
    try {
      return await this.#handlers[method](params);
    } catch (error) {
      throw asContractError(error, methods[method].errors);
    }
  }

  /** The connection is gone: its tones end, its sessions go on under their lease. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#statsTimer?.cancel();
    this.#disconnect();
    this.#events.clear();
    await this.#parts.tones.close();
  }

  readonly #handlers: Handlers = {
    snapshot: () => {
      const { engine, guests, guest, sessions, health, location, maxSessions, wills } = this.#parts;
      const own = sessions.table.of(guest.instance);
      const awayMs = guests.awayMs(guest.instance);
      this.#tellAgain(own);
      return Promise.resolve({
        engine,
        sessions: own.map(({ state }) => state),
        leaseMs: guests.leaseMs(guest.instance),
        health: health(),
        location: location(),
        maxSessions,
        ...(awayMs === undefined ? {} : { awayMs }),
        ended: [...wills.endedOf(guest.instance)],
      });
    },
    'lease.set': async ({ ms }) => {
      const { guests, guest, sessions } = this.#parts;
      const granted = guests.setLease(guest.instance, ms);
      await sessions.saveAll(guest.instance);
      return { ms: granted };
    },
    'guest.use': ({ active }) => {
      const { guests, guest, logger } = this.#parts;
      guests.setUse(guest.instance, active);
      logger.info({ guest: guest.instance, active }, 'where the guest is used');
      return Promise.resolve({});
    },
    'session.open': async (params) => {
      const { sessions, guests, guest } = this.#parts;
      await this.#claim(params.id);
      const opened = await sessions.open(guest, params, () => guests.mayOpen(guest));
      return { sdp: opened.sdp, session: opened.session };
    },
    'session.update': async (params) => {
      const { sdp, session } = await this.#parts.sessions.update(
        await this.#session(params.id),
        params,
      );
      return { ...(sdp === undefined ? {} : { sdp }), session };
    },
    'session.close': async ({ id, reason }) => {
      const { sessions, wills, guest, logger } = this.#parts;
      const session = await this.#claim(id);
      wills.remove(guest.instance, id);
      wills.forget(guest.instance, id);
      if (session === undefined) return {};
      if (reason === 'moved') logger.info({ session: id }, 'the call goes on at another place');
      await sessions.end(session);
      return {};
    },
    'session.claim': async ({ id }) => {
      const { sessions, guest } = this.#parts;
      const own = await this.#claim(id);
      if (own !== undefined) return own.state;
      const other = sessions.table.all.find((session) => session.id === id);
      if (other === undefined || id.length < PROOF_LENGTH) {
        throw mediaError('unknown-session', `No session ${id}`);
      }
      await this.#take(other, guest);
      return other.state;
    },
    'will.set': async ({ session: id, ...will }) => {
      const { wills, guest, save } = this.#parts;
      const session = await this.#session(id);
      wills.set({ guest, id, label: session.data.options.label }, will);
      await save();
      return {};
    },
    'will.remove': async ({ session }) => {
      this.#parts.wills.remove(this.#parts.guest.instance, session);
      await this.#parts.save();
      return {};
    },
    'session.get': async ({ id }) => (await this.#session(id)).state,
    'session.stats': async ({ id }) => this.#parts.stats(await this.#session(id)),
    'session.mute': async ({ id, muted }) =>
      this.#parts.sessions.mute(await this.#session(id), { muted }),
    'session.conference': async ({ id, conference }) =>
      this.#parts.sessions.confer(await this.#session(id), conference ?? undefined),
    'session.record': async ({ id, ...wish }) =>
      this.#parts.sessions.record(await this.#session(id), wish),
    'session.dtmf': async ({ id, command, ...tones }) => {
      const session = await this.#session(id);
      await session.dtmf.once(command, async () => {
        checkDtmf(session, tones.method);
        await session.inLine();
        await this.#parts.plane.sendDtmf(session.sockets.id, tones);
      });
      return {};
    },
    'audio.volume': async ({ role, volume }) => {
      await this.#parts.devices.setVolume(role, volume, 'guest');
      return {};
    },
    'audio.voice': async (wishes) => {
      await this.#parts.devices.setVoice(wishes, 'guest');
      return {};
    },
    'tone.play': async (tone) => {
      await this.#parts.tones.play(tone);
      return {};
    },
    'tone.stop': async ({ id }) => {
      await this.#parts.tones.stop(id);
      return {};
    },
    'devices.list': () => this.#parts.devices.list(),
    'devices.select': async ({ role, id }) => {
      await this.#parts.devices.select(role, id, 'guest');
      return {};
    },
    'stats.subscribe': ({ intervalMs }) => {
      this.#statsMs = intervalMs;
      this.#statsTimer?.cancel();
      this.#nextStats();
      return Promise.resolve({});
    },
  };

  /** What was told while nobody listened and still holds; after the answer, so that it is heard. */
  #tellAgain(sessions: readonly LiveSession[]): void {
    setImmediate(() => {
      for (const { id, data } of sessions) {
        if (!data.rekey || data.hungUp) continue;
        this.emit('session.renegotiate', { id, reason: 'srtp-counters-unknown' });
      }
    });
  }

  async #session(id: string): Promise<LiveSession> {
    const session = await this.#claim(id);
    if (session === undefined) throw mediaError('unknown-session', `No session ${id}`);
    return session;
  }

  /**
   * The guest's session of that id; one whose guest is gone becomes this guest's when it knows the
   * id, which is how a phone that was started anew gets its calls back.
   */
  async #claim(id: string): Promise<LiveSession | undefined> {
    const { sessions, guests, guest } = this.#parts;
    const own = sessions.table.find(guest.instance, id);
    if (own !== undefined || id.length < PROOF_LENGTH) return own;
    const orphan = sessions.table.all.find(
      (session) => session.id === id && !guests.connected(session.guest.instance),
    );
    if (orphan !== undefined) await this.#take(orphan, guest);
    return orphan;
  }

  async #take(session: LiveSession, guest: GuestIdentity): Promise<void> {
    const { sessions, wills, logger, onClaimed } = this.#parts;
    const before = session.guest;
    logger.info({ session: session.id }, 'session claimed by another instance of its guest');
    wills.move(session.id, before, guest);
    await sessions.claim(session, guest);
    onClaimed(session.id, before);
  }

  #nextStats(): void {
    if (this.#statsMs === 0 || this.#closed) return;
    this.#statsTimer = this.#parts.clock.after(this.#statsMs, () => {
      this.#nextStats();
      void this.#sendStats();
    });
  }

  /** One round at a time: when the worker is slow, rounds are left out and none is queued. */
  async #sendStats(): Promise<void> {
    if (this.#statsRunning) return;
    this.#statsRunning = true;
    try {
      const { sessions, guest, stats } = this.#parts;
      const active = sessions.table.of(guest.instance).filter((session) => session.hasAudio);
      for (const session of active) this.emit('session.stats', await stats(session));
    } catch {
      // The worker is away, which the guest is told otherwise; the next round tries again.
    } finally {
      this.#statsRunning = false;
    }
  }
}

function checkDtmf(session: LiveSession, method: 'rfc4733' | 'inband'): void {
  const agreement = session.data.inForce?.agreement;
  if (agreement === undefined || session.data.hungUp) {
    throw mediaError('wrong-state', 'Nothing is agreed yet that digits could be sent with');
  }
  if (!sends(agreement.direction)) throw mediaError('wrong-state', 'The call is on hold');
  if (method === 'rfc4733' && agreement.telephoneEvent === undefined) {
    throw mediaError('wrong-state', 'The peer takes no telephone-event (RFC 4733)');
  }
}

/** Errors of the layers below under the name that this method's row has for them. */
function asContractError(error: unknown, allowed: readonly MediaErrorCode[]): unknown {
  if (!isOffhookError(error) || allowed.includes(error.code as MediaErrorCode)) return error;
  const code = ({ worker: 'worker-down', device: 'device-failed' } as const)[error.layer as never];
  return code !== undefined && allowed.includes(code)
    ? mediaError(code, error.message, { cause: error, remedy: error.remedy })
    : error;
}

/** Whether something should be coming from the peer. */
export function expectsAudio(session: LiveSession): boolean {
  const agreement = session.data.inForce?.agreement;
  return (
    agreement !== undefined &&
    session.hasAudio &&
    !session.recovering &&
    receives(agreement.direction)
  );
}
