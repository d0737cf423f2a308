import type { InboundRequest } from '../core/inbound-request.ts';
import { param, parseParams } from '../message/lexer.ts';
import type { ReferralImpl } from './referral.ts';

/** The REFERs of ours whose reports may still come in one dialog (RFC 3515 §2.4.6). */
export class Reports {
  readonly #open = new Set<ReferralImpl>();

  add(referral: ReferralImpl): void {
    this.#open.add(referral);
    void referral.done.then(() => this.#open.delete(referral));
  }

  /** Takes a NOTIFY; false when it is none of ours. */
  notify(inbound: InboundRequest): boolean {
    const event = inbound.message.headers.get('event') ?? '';
    const [name = '', ...rest] = event.split(';');
    if (name.trim().toLowerCase() !== 'refer') return false;
    const id = param(parseParams(rest.join(';')), 'id');
    const open = [...this.#open];
    // Without an id it is about the first REFER of the dialog.
    const referral =
      id === undefined ? open[0] : (open.find((one) => one.cseq === Number(id)) ?? undefined);
    if (referral === undefined) {
      inbound.reply(481, { reason: 'Subscription Does Not Exist' });
      return true;
    }
    referral.notify(inbound);
    return true;
  }
}
