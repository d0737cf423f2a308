import { describeError, OffhookError, type Logger } from '@offhook/common';
import type { CallManager, Line } from '../call/call-manager.ts';
import type { CallSession } from '../call/call-session.ts';
import { userOf } from '../call/dial-target.ts';
import { isOver, type Place } from '../call/model.ts';
import type { GuestConfig } from '../config.ts';
import type { DeskCall } from '../desk/desk-call.ts';
import type { DeskHandset } from '../desk/desk-handset.ts';
import type { EngineLine } from '../engine-line.ts';
import type { PhoneCall } from './handset.ts';

export interface MoverParts {
  readonly manager: CallManager;
  readonly desk: DeskHandset;
  readonly config: NonNullable<GuestConfig['desk']>;
  /** The line by which calls move. */
  readonly line: Line;
  readonly engine: Pick<EngineLine, 'connected' | 'notConnected'>;
  readonly logger: Logger;
}

/** So long the desk phone may ring for somebody who has asked for the call to be there. */
const RING_MS = 30_000;
/** So long until the PBX has brought a call to the softphone. */
const ARRIVE_MS = 10_000;
const SETTLE_MS = 5000;

/**
 * Moves live calls between the handsets by the PBX's transfers. The other handset has the call before
 * this one lets go of it, so that a move that comes to nothing leaves the call where it was.
 */
export class Mover {
  readonly #parts: MoverParts;
  readonly #moving = new Set<string>();

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with the call as the other handset has it, undefined while nobody can tell.
   *
   * @throws OffhookError `move-failed` (layer `call`): the call stays where it was
   */
  async move(call: PhoneCall, to: Place, signal?: AbortSignal): Promise<PhoneCall | undefined> {
    const { id, call: now } = call;
    if (now.place === to) {
      throw new OffhookError('call', 'wrong-state', `call ${id} is there already`);
    }
    if (now.conference !== undefined) {
      throw new OffhookError('call', 'wrong-state', `call ${id} is in a conference`, {
        remedy: 'take it out of the conference first',
      });
    }
    if (this.#moving.has(id)) {
      throw new OffhookError('call', 'wrong-state', `call ${id} is being moved`);
    }
    this.#moving.add(id);
    try {
      return to === 'desk'
        ? await this.#toDesk(this.#parts.manager.get(id), signal)
        : await this.#toSoft(this.#parts.desk.line.get(id), signal);
    } finally {
      this.#moving.delete(id);
    }
  }

  /**
   * Hands the peer on to the desk phone without the help of an engine, for calls whose thin client is
   * gone: it rings there, and what becomes of the call then is the PBX's to say.
   */
  async handOver(session: CallSession): Promise<void> {
    const { manager } = this.#parts;
    const outcome = await manager.transfers.blind(session, this.#deskUri);
    if (outcome.state === 'failed' || outcome.state === 'refused') throw refusedBy(outcome);
  }

  get #deskNumber(): string {
    const { config, desk } = this.#parts;
    const known = desk.line.mirror.device(config.device);
    return config.number ?? known?.number ?? config.device;
  }

  get #deskUri(): string {
    return this.#parts.manager.targetOf(this.#parts.line, this.#deskNumber);
  }

  get #softNumber(): string {
    const { config, line } = this.#parts;
    return config.soft_number ?? userOf(line.config.aor);
  }

  /** The desk phone is called, and once somebody has taken the call there it is given the peer (RFC 5589 §7). */
  async #toDesk(session: CallSession, signal?: AbortSignal): Promise<PhoneCall | undefined> {
    const { manager, line, desk } = this.#parts;
    if (session.call.phase === 'incoming') {
      session.input({ type: 'reject', status: 302, contacts: [this.#deskUri] });
      return undefined;
    }
    requireTalking(session);
    const known = new Set(desk.list().map(({ id }) => id));
    const second = manager.dial(line, this.#deskUri, { aside: true });
    const stop = this.#answerAtDesk(known);
    try {
      const decided = () => isUp(second) || isOver(second.call) || isOver(session.call);
      await second.until(decided, RING_MS, signal);
      if (!isUp(second) || isOver(session.call)) throw notTaken(second);
      const outcome = await manager.transfers.attended(session, second);
      if (outcome.state === 'failed' || outcome.state === 'refused') throw refusedBy(outcome);
    } catch (error) {
      if (!isOver(second.call)) await second.hangup();
      throw failed('to the desk phone', error);
    } finally {
      stop();
    }
    const there = () => desk.list().find((one) => !known.has(one.id) && isUp(one));
    return desk.line.until(there, SETTLE_MS, signal);
  }

  /** The person has asked for it: where the phone can be told to, it answers by itself. */
  #answerAtDesk(known: ReadonlySet<string>): () => void {
    const { desk, config, logger } = this.#parts;
    if (!config.answer) return () => undefined;
    const asked = new Set<string>();
    return desk.events.on('changed', ({ id, phase }) => {
      if (phase !== 'incoming' || known.has(id) || asked.has(id)) return;
      asked.add(id);
      desk.answer(id).catch((error: unknown) => {
        logger.info({ call: id, reason: describeError(error) }, 'the desk phone rings');
      });
    });
  }

  async #toSoft(call: DeskCall, signal?: AbortSignal): Promise<PhoneCall | undefined> {
    const { manager, desk, engine, config } = this.#parts;
    if (!engine.connected) throw engine.notConnected();
    if (call.call.phase === 'incoming') {
      await desk.redirect(call.id, [this.#softNumber]);
      return undefined;
    }
    requireTalking(call);
    const far = userOf(call.call.remote.uri);
    const expected = manager.expected.from([this.#deskNumber, config.device, far]);
    const { capabilities } = desk.line.device;
    try {
      const session =
        capabilities.includes('transferCall') && capabilities.includes('consultationCall')
          ? await this.#byConsultation(call, expected.arrived, signal)
          : await this.#inOneStep(call, expected.arrived, signal);
      session.input({ type: 'party', remote: call.call.remote });
      return session;
    } catch (error) {
      throw failed('to the thin client', error);
    } finally {
      expected.cancel();
    }
  }

  /** The desk phone calls the softphone, and joins it with the far end. */
  async #byConsultation(
    call: DeskCall,
    arrived: Promise<CallSession>,
    signal?: AbortSignal,
  ): Promise<CallSession> {
    const { line } = this.#parts.desk;
    const to = this.#softNumber;
    const before = call.connection;
    let second: DeskCall | undefined;
    let session: CallSession | undefined;
    try {
      const calling =
        before.state === 'hold'
          ? line.make('makeCall', { device: line.device.id, to })
          : line.make('consultationCall', { connection: before.id, to });
      const made = (second = await calling);
      session = await this.#take(arrived, () => isOver(made.call), signal);
      await made.until(() => isUp(made), SETTLE_MS, signal);
      line.ends(call, made);
      await line.request('transferCall', { held: before.id, active: made.connection.id });
      return session;
    } catch (error) {
      await session?.hangup();
      await this.#takeBack(call, before.state === 'hold', second);
      throw error;
    }
  }

  /** The phone cannot call a second time by itself: the far end is sent here. */
  async #inOneStep(
    call: DeskCall,
    arrived: Promise<CallSession>,
    signal?: AbortSignal,
  ): Promise<CallSession> {
    const { desk } = this.#parts;
    await desk.transfer(call.id, this.#softNumber);
    return this.#take(arrived, () => false, signal);
  }

  /** Takes the call that was asked for. */
  async #take(
    arrived: Promise<CallSession>,
    hopeless: () => boolean,
    signal: AbortSignal | undefined,
  ): Promise<CallSession> {
    const { manager, desk } = this.#parts;
    let session: CallSession | undefined;
    void arrived.then((one) => (session = one));
    const never = new OffhookError('call', 'timeout', 'it has not come to the softphone', {
      remedy: `see that the PBX finds this phone at ${this.#softNumber} ([desk] soft_number)`,
    });
    const decided = new AbortController();
    const stop = AbortSignal.any([decided.signal, ...(signal === undefined ? [] : [signal])]);
    const gone = desk.line.until(() => (hopeless() ? true : undefined), ARRIVE_MS, stop);
    await Promise.race([arrived, gone]);
    decided.abort();
    if (session === undefined) throw never;
    await manager.answer(session.id);
    const taken = session;
    await taken.until(() => isUp(taken) || isOver(taken.call), SETTLE_MS, signal);
    if (!isUp(taken)) throw never;
    return taken;
  }

  /** The call at the desk phone is as it was before. */
  async #takeBack(call: DeskCall, wasHeld: boolean, second: DeskCall | undefined): Promise<void> {
    const { line } = this.#parts.desk;
    try {
      if (second !== undefined && !isOver(second.call)) {
        line.ends(second);
        await line.request('clearConnection', { connection: second.connection.id });
      }
      if (call.call.hold.inForce && !wasHeld) {
        await line.request('retrieveCall', { connection: call.connection.id });
      }
    } catch (error) {
      this.#parts.logger.warn(
        { call: call.id, reason: describeError(error) },
        'the call could not be taken off hold at the desk phone',
      );
    }
  }
}

function isUp({ call }: PhoneCall): boolean {
  return call.phase === 'established';
}

function requireTalking(call: PhoneCall): void {
  if (isUp(call)) return;
  throw new OffhookError(
    'call',
    'wrong-state',
    `cannot move call ${call.id}: it is ${call.call.phase}`,
  );
}

function notTaken({ call }: CallSession): OffhookError {
  const { reason = 'nobody has taken it there' } = call.end ?? {};
  return new OffhookError('call', 'refused', reason === '' ? 'it has ended' : reason);
}

function refusedBy({ status, reason }: { status: number; reason: string }): OffhookError {
  return new OffhookError('call', 'refused', `the PBX refuses: ${reason} (SIP ${status})`);
}

function failed(where: string, error: unknown): OffhookError {
  const why = error instanceof OffhookError ? error.message : describeError(error);
  const message = `the call could not be moved ${where}: ${why}`;
  return new OffhookError('call', 'move-failed', message, {
    cause: error,
    remedy: error instanceof OffhookError ? error.remedy : undefined,
  });
}
