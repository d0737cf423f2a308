import type { Timer } from '@offhook/common';
import type { InboundRequest } from '../core/inbound-request.ts';
import { T1, T2, TRANSACTION_TIMEOUT, type SipCore } from '../core/sip-core.ts';

/**
 * Our 2xx to an INVITE until its ACK (RFC 3261 §13.3.1.4): sent again after T1, doubling to T2, on
 * every transport, because the answer travels end to end; after 64·T1 nobody listens any more.
 */
export class AcceptedInvite {
  readonly cseq: number;
  #timer: Timer | undefined;
  #over = false;

  constructor(core: SipCore, inbound: InboundRequest, expired: () => void) {
    this.cseq = inbound.message.cseq.number;
    const deadline = core.clock.now() + TRANSACTION_TIMEOUT;
    const again = (interval: number): void => {
      const left = deadline - core.clock.now();
      this.#timer = core.clock.after(Math.min(interval, left), () => {
        if (core.clock.now() >= deadline) {
          this.stop();
          expired();
          return;
        }
        inbound.resend();
        again(Math.min(2 * interval, T2));
      });
    };
    again(T1);
  }

  /** The ACK has come, or it does not matter any more. */
  stop(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  get acknowledged(): boolean {
    return this.#over;
  }
}
