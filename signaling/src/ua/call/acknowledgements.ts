import type { Session } from '../session/session.ts';

/**
 * The ACKs of one INVITE: each 2xx, told apart by its To tag, has its own, which is sent again as often
 * as the 2xx comes (RFC 3261 §13.2.2.4).
 */
export class Acknowledgements {
  readonly #sent = new Map<string, () => void>();

  /** Whether that 2xx has been here before. Its ACK is sent again then. */
  repeat(tag: string): boolean {
    const again = this.#sent.get(tag);
    again?.();
    return again !== undefined;
  }

  /** That 2xx is here; one that comes again waits for its ACK, which cannot be made yet. */
  expect(tag: string): void {
    this.#sent.set(tag, () => undefined);
  }

  /** @param answer the description that answers an offer of the 2xx */
  send(tag: string, session: Session, cseq: number, answer?: string): void {
    const { draft, hop } = session.ack(
      cseq,
      answer === undefined ? undefined : { type: 'application/sdp', content: answer },
    );
    this.#sent.set(tag, () => session.profile.core.sendAck(draft, hop));
  }
}
