import {
  describeError,
  isOffhookError,
  type Clock,
  type Logger,
  type Timer,
} from '@offhook/common';
import type { MethodInput } from '@offhook/media-rpc';
import type { CallWill, SipCall } from '@offhook/signaling';
import type { MediaPort } from '../media-port.ts';

/**
 * How often it is looked whether the will has to be written anew, ms. Most changes of a dialog are
 * known at once; those that signaling makes by itself, such as the refresh of a session timer, are
 * seen so. Until then the peer would refuse the will, and its own timers would end the call.
 */
const LOOK_MS = 10_000;
const DEADLINE_MS = 5000;

/** Any final response; a provisional one says nothing. */
const FINAL = ['SIP/2.0 2', 'SIP/2.0 3', 'SIP/2.0 4', 'SIP/2.0 5', 'SIP/2.0 6'];

export interface WillKeeperParts {
  /** Of the media session. */
  readonly id: string;
  readonly sip: Pick<SipCall, 'will'>;
  readonly port: () => MediaPort;
  /** The engine has a session that the will can be for. */
  readonly open: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps the last will of a call with the engine: the BYE that ends it if this daemon never returns.
 * Best effort; a call is none the worse without.
 */
export class WillKeeper {
  readonly #parts: WillKeeperParts;
  /** As the engine has it, as far as we know. */
  #deposited: string | undefined;
  #running = false;
  #again = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: WillKeeperParts) {
    this.#parts = parts;
  }

  /** The engine may be another one, or have lost the session: nothing is deposited. */
  forget(): void {
    this.#deposited = undefined;
    this.refresh();
  }

  /** The dialog may have changed. Returns at once. */
  refresh(): void {
    if (this.#closed) return;
    if (this.#running) this.#again = true;
    else void this.#deposit();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #deposit(): Promise<void> {
    this.#running = true;
    this.#timer?.cancel();
    do {
      this.#again = false;
      await this.#once();
    } while (this.#again && !this.#closed);
    this.#running = false;
    if (!this.#closed) this.#timer = this.#parts.clock.after(LOOK_MS, () => this.refresh());
  }

  async #once(): Promise<void> {
    const { id, sip, open, logger } = this.#parts;
    const port = this.#parts.port();
    if (!port.connected || !open()) return;
    try {
      const will = await sip.will();
      const text = JSON.stringify(will);
      if (this.#closed || text === this.#deposited) return;
      if (will !== undefined) {
        await port.call('will.set', willParams(id, will), { timeoutMs: DEADLINE_MS });
      } else if (this.#deposited !== undefined) {
        await port.call('will.remove', { session: id }, { timeoutMs: DEADLINE_MS });
      }
      this.#deposited = text;
    } catch (error) {
      // An older engine knows no wills, and a policy may forbid them: asked again with the next change.
      const expected =
        isOffhookError(error) && ['unknown-method', 'not-allowed'].includes(error.code);
      logger[expected ? 'debug' : 'info'](
        { call: id, reason: describeError(error) },
        'the engine has no last will of the call',
      );
    }
  }
}

function willParams(session: string, will: CallWill): MethodInput<'will.set'> {
  const { transport, address, port, message, branch } = will;
  return {
    session,
    transport,
    destination: { address, port },
    bytes: Buffer.from(message, 'utf8').toString('base64'),
    match: { begins: FINAL, contains: [branch] },
  };
}
