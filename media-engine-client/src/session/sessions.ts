import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Emitter, describeError, type Clock, type EventSource, type Logger } from '@offhook/common';
import { mediaError, type MethodParams, type SessionState } from '@offhook/media-rpc';
import type { AudioRole } from '@offhook/media-rpc';
import type { EngineConfig } from '../config.ts';
import type { MediaPlane, VoiceProcessing } from '../media-plane.ts';
import type { Admission } from './admission.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { LegKeeper, type SessionEvents } from './leg-keeper.ts';
import { LiveSession } from './live-session.ts';
import { LostAddresses } from './lost-addresses.ts';
import { advance, newSession, type MediaSession } from './machine.ts';
import { readRecord, writeRecord, type GuestIdentity } from './record.ts';
import { recordingFiles } from './recording-files.ts';
import { Recordings } from './recordings.ts';
import { SessionTable } from './session-table.ts';

interface Described {
  readonly sdp: string | undefined;
  readonly session: SessionState;
}

export interface SessionsOptions {
  readonly plane: MediaPlane;
  readonly config: EngineConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly admission: Admission;
  /** The addresses of this machine. */
  readonly machine: () => ReadonlySet<string>;
  /** The devices that calls use now. */
  readonly device: (role: AudioRole) => string;
  readonly voice: () => VoiceProcessing;
  /** How long a guest's sessions outlive its connection. */
  readonly leaseMs: (guest: GuestIdentity) => number;
}

/**
 * The engine's sessions: carries out what guests and the person here ask for, and keeps the worker's
 * legs what the sessions say that they are.
 */
export class Sessions implements EventSource<SessionEvents> {
  readonly #options: SessionsOptions;
  readonly #events = new Emitter<SessionEvents>();
  readonly #table = new SessionTable();
  readonly #legs: LegKeeper;
  readonly #recordings: Recordings;
  readonly #queue = new KeyedQueue();
  /** Ids of sessions that were given up while the person here had muted them. */
  readonly #mutedHere = new Set<string>();
  readonly #lost: LostAddresses;
  #opening = 0;
  #turn = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#lost = new LostAddresses({
      machine: options.machine,
      wouldBe: ({ inForce, options: { peerAddress } }) =>
        options.admission.addressTowards(inForce?.agreement.remote.rtp.address ?? peerAddress),
    });
    this.#legs = new LegKeeper({ ...options, table: this.#table, events: this.#events });
    const policy = options.config.recording;
    this.#recordings = new Recordings({
      ...options,
      policy,
      files: recordingFiles(policy.directory),
      table: this.#table,
      events: this.#events,
      keep: (session) => this.#keep(session),
    });
  }

  on<K extends keyof SessionEvents>(name: K, listener: (event: SessionEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  get table(): Pick<SessionTable, 'all' | 'of' | 'find'> {
    return this.#table;
  }

  /** @param mayOpen Asked only for a session that is not there yet. */
  open(guest: GuestIdentity, params: MethodParams<'session.open'>, mayOpen: () => boolean) {
    return this.#queue.run(`${guest.instance}/${params.id}`, async () => {
      const existing = this.#table.find(guest.instance, params.id);
      if (existing !== undefined) {
        if (params.revision > existing.data.revision) {
          throw mediaError('wrong-state', 'The session is open already');
        }
        return described(await this.update(existing, params));
      }
      if (params.step.type !== 'offer' && params.step.type !== 'answer') {
        throw mediaError('wrong-state', 'A session begins with an offer or an answer');
      }
      if (!mayOpen()) throw mediaError('limit-reached', 'Too many calls are set up at once');
      const all = this.#table.size + this.#opening;
      this.#options.admission.checkCount({ guest: this.#table.limitedWith(guest).length, all });
      this.#opening++;
      try {
        return described(await this.#begin(guest, params));
      } finally {
        this.#opening--;
      }
    });
  }

  update(
    session: LiveSession,
    params: Pick<MethodParams<'session.update'>, 'revision' | 'step'>,
  ): Promise<Described> {
    return this.#exclusive(session, () => {
      if (!this.#table.has(session)) throw mediaError('unknown-session');
      return this.#step(session, params);
    });
  }

  /**
   * Gives up the sessions whose address this machine has lost for another one: they are freed, and their
   * guests told, who open them anew and offer that to the peers. To be called once a second or so.
   */
  async leaveLostAddresses(): Promise<void> {
    for (const session of await this.#lost.among(this.#table.all)) {
      const { address } = session.data.local.rtp;
      this.#options.logger.warn({ session: session.id, address }, 'this address is gone');
      // A mute of the person here holds for the next one.
      if (session.data.locallyMuted) this.#mutedHere.add(session.id);
      await this.end(session);
      this.#events.emit('renegotiate', { session, reason: 'address-changed' });
    }
  }

  /** Frees everything of the session. Idempotent. */
  end(session: LiveSession): Promise<void> {
    return this.#exclusive(session, async () => {
      if (!this.#table.delete(session)) return;
      this.#options.logger.info(
        { session: session.id, label: session.data.options.label },
        'closed',
      );
      // Before the leg goes: what was said last is in the file.
      void this.#recordings.stop(session, 'call-ended');
      this.#legs.settle();
      await this.#free(session);
      this.#events.emit('listed', session);
    });
  }

  mute(session: LiveSession, change: { muted: boolean } | { locallyMuted: boolean }) {
    return this.#change(session, change);
  }

  /** It hears, and is heard by, the others of that conference; undefined: of none. */
  confer(session: LiveSession, conference: string | undefined) {
    return this.#change(session, { conference });
  }

  record(session: LiveSession, wish: Parameters<Recordings['record']>[1]) {
    return this.#exclusive(session, async () => {
      await this.#recordings.record(session, wish);
      return session.state;
    });
  }

  /** The person here ends the recording, for good. */
  stopRecording(session: LiveSession): Promise<void> {
    return this.#exclusive(session, () => this.#recordings.stop(session, 'person'));
  }

  /** Until every file is whole. */
  stopRecordings(): Promise<void> {
    return this.#recordings.stopAll();
  }

  /** The person here takes the call: it becomes the live one. */
  takeOver(session: LiveSession): Promise<SessionState> {
    return this.#change(session, { taken: ++this.#turn });
  }

  /**
   * The person here hangs up: the audio ends now, whatever the guest does. The session stays, as
   * `closed` and with its sockets, which carry its record, until the guest closes it: so a guest
   * that is away learns of it, even from the next engine.
   */
  hangUp(session: LiveSession): Promise<void> {
    return this.#exclusive(session, async () => {
      if (session.data.hungUp) return;
      void this.#recordings.stop(session, 'call-ended');
      session.data = { ...session.data, hungUp: true };
      this.#legs.settle();
      await this.#keep(session);
      this.#events.emit('hungUp', session);
      this.#events.emit('changed', session);
    });
  }

  /** Another connection of the same person has shown that the session is its own. */
  async claim(session: LiveSession, guest: GuestIdentity): Promise<void> {
    session.guest = guest;
    await this.#keep(session);
  }

  /** Writes down who owns the guest's sessions and for how long. */
  async saveAll(guest: string): Promise<void> {
    await Promise.all(this.#table.of(guest).map((session) => this.#keep(session)));
  }

  /** Takes over what the worker has kept through the death of an engine. */
  async adopt(): Promise<readonly LiveSession[]> {
    const { plane, logger } = this.#options;
    const { sockets, legs, recordings } = await plane.adopt();
    for (const { tag, ...pair } of sockets) {
      const record = readRecord(tag);
      if (record === undefined) {
        logger.warn({ port: pair.rtp.port }, 'sockets of an unknown session are closed');
        await plane.closeSockets(pair.id);
        continue;
      }
      const leg = legs.find((config) => config.sockets === pair.id);
      const { guest, leaseMs, session: data } = record;
      this.#table.add(new LiveSession(plane, { guest, leaseMs, data, sockets: pair, leg }));
      this.#turn = Math.max(this.#turn, data.taken);
    }
    await this.#recordings.adopt(recordings);
    this.#legs.settle();
    return this.#table.all;
  }

  /** The devices have changed: every leg moves to the new ones. */
  settle(): void {
    this.#legs.settle();
  }

  /** Stops listening to the worker; what runs there is left alone. */
  close(): void {
    this.#legs.close();
    this.#recordings.close();
    this.#events.clear();
  }

  async #begin(guest: GuestIdentity, params: MethodParams<'session.open'>) {
    const { plane, admission, config, clock, logger } = this.#options;
    const options = admission.grant(params.options);
    const address = await admission.localAddress(options, params.step);
    const { ports, dscp } = config.rtp;
    const sockets = await plane.openSockets({ address, ports, dscp, tag: '' });
    const session = new LiveSession(plane, {
      guest,
      leaseMs: this.#options.leaseMs(guest),
      sockets,
      data: newSession({
        id: params.id,
        options,
        openedAt: clock.wall(),
        local: { rtp: sockets.rtp, rtcp: sockets.rtcp },
      }),
    });
    if (this.#mutedHere.delete(session.id)) session.data = { ...session.data, locallyMuted: true };
    this.#table.add(session);
    try {
      const result = await this.update(session, params);
      logger.info({ session: session.id, label: options.label, port: sockets.rtp.port }, 'opened');
      this.#events.emit('listed', session);
      return result;
    } catch (error) {
      this.#table.delete(session);
      this.#legs.settle();
      await this.#free(session);
      throw error;
    }
  }

  #step(
    session: LiveSession,
    { revision, step }: Pick<MethodParams<'session.update'>, 'revision' | 'step'>,
  ): Promise<Described> {
    const { admission } = this.#options;
    const before = session.data;
    const turn = this.#turn + 1;
    const next = advance(before, revision, step, { newKey: randomBytes, turn });
    if (next.session !== before) {
      admission.checkDestination(next.session, session.guest);
      this.#turn = Math.max(this.#turn, next.session.taken);
      session.data = next.session;
      this.#carryOut(session);
      if (session.data.rekey && !before.rekey) {
        this.#events.emit('renegotiate', { session, reason: 'srtp-counters-unknown' });
      }
    }
    return Promise.resolve({ sdp: next.sdp, session: session.state });
  }

  /**
   * Lets the answer leave before the leg is set in motion, because the peer waits for it and not for
   * the leg. A leg that cannot be made shows as `recovering`; a record that could not be written
   * costs the session only if the engine dies, too, and then it is built anew.
   */
  #carryOut(session: LiveSession): void {
    session.pending = (async () => {
      await nextTurn();
      this.#legs.settle();
      void this.#keep(session);
    })();
  }

  /** A change that needs no peer: it holds even where the worker is away and learns of it later. */
  #change(session: LiveSession, change: Partial<MediaSession>): Promise<SessionState> {
    return this.#exclusive(session, async () => {
      session.data = { ...session.data, ...change };
      this.#legs.settle();
      await this.#keep(session);
      return session.state;
    });
  }

  /** Saves as well as can be: only a restart of the engine would miss it. */
  async #keep(session: LiveSession): Promise<void> {
    try {
      await this.#save(session);
    } catch (error) {
      const reason = describeError(error);
      this.#options.logger.warn({ session: session.id, reason }, 'the session was not saved');
    }
  }

  #save(session: LiveSession): Promise<void> {
    const { guest, data, sockets } = session;
    if (!this.#table.has(session)) return Promise.resolve();
    const leaseMs = this.#options.leaseMs(guest);
    session.leaseMs = leaseMs;
    return this.#options.plane.setTag(sockets.id, writeRecord({ guest, leaseMs, session: data }));
  }

  async #free(session: LiveSession): Promise<void> {
    try {
      await this.#options.plane.closeSockets(session.sockets.id);
    } catch (error) {
      // The worker is not there: with it went the sockets.
      this.#options.logger.warn(
        { session: session.id, reason: describeError(error) },
        'sockets were not closed',
      );
    }
  }

  #exclusive<T>(session: LiveSession, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(session.sockets.id, work);
  }
}

function described(result: Described) {
  if (result.sdp === undefined) throw mediaError('wrong-state', 'The session has moved on since');
  return { sdp: result.sdp, session: result.session };
}
