import type { Timer } from '@offhook/common';
import type { IncomingReferral } from '../../request-api.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import type { HeaderPair } from '../message/headers.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { capabilityHeaders, type CallProfile } from '../session/profile.ts';
import { parseReferTo, type ReferTo } from './refer-to.ts';
import type { DialogPort } from './referral.ts';
import { sipfrag } from './sipfrag.ts';

/** How long whoever asked is kept waiting for a result; a phone does not ring longer. */
const REPORT_SECONDS = 300;

/** A REFER of the peer; answers it and gives undefined when it asks for nothing that we can do. */
export function referralOf(
  inbound: InboundRequest,
  profile: CallProfile,
  port: () => DialogPort,
): IncomingReferralImpl | undefined {
  const values = inbound.message.headers.list('refer-to');
  const [value] = values;
  if (value === undefined || values.length > 1) {
    inbound.reply(400, {
      reason: value === undefined ? 'Missing Refer-To' : 'More Than One Refer-To',
    });
    return undefined;
  }
  const referTo = parseReferTo(value);
  if (referTo === undefined) {
    inbound.reply(/^\s*(?:"[^"]*")?\s*<?sips?:/i.test(value) ? 400 : 416);
    return undefined;
  }
  return new IncomingReferralImpl(inbound, profile, referTo, port);
}

/** A REFER of the peer, its answer, and the reports that it gets (RFC 3515 §2.4). */
export class IncomingReferralImpl implements IncomingReferral {
  readonly target: string;
  readonly replaces: IncomingReferral['replaces'];
  readonly referredBy: IncomingReferral['referredBy'];
  readonly from: IncomingReferral['from'];
  readonly #inbound: InboundRequest;
  readonly #profile: CallProfile;
  readonly #open: () => DialogPort;
  #port: DialogPort | undefined;
  #release: (() => void) | undefined;
  #timer: Timer | undefined;
  #over = false;

  constructor(
    inbound: InboundRequest,
    profile: CallProfile,
    referTo: ReferTo,
    open: () => DialogPort,
  ) {
    const { headers, from } = inbound.message;
    this.#inbound = inbound;
    this.#profile = profile;
    this.#open = open;
    this.target = referTo.target;
    this.replaces = referTo.replaces;
    const header = headers.get('referred-by');
    const uri = header === undefined ? undefined : parseNameAddr(header)?.uri;
    this.referredBy = header === undefined || uri === undefined ? undefined : { uri, header };
    const { displayName } = from;
    this.from = { uri: from.uri, ...(displayName !== undefined && { displayName }) };
  }

  accept(): void {
    const inbound = this.#inbound;
    if (inbound.answered) return;
    const { headers } = inbound.message;
    const silent = headers.get('refer-sub')?.trim().toLowerCase() === 'false';
    inbound.reply(202, {
      headers: [
        ...capabilityHeaders(this.#profile, inbound.flow),
        ...(silent ? ([['refer-sub', 'false']] as const) : []),
      ],
    });
    if (silent) {
      this.#over = true;
      return;
    }
    this.#port = this.#open();
    this.#release = this.#port.hold();
    this.#timer = this.#profile.core.clock.after(REPORT_SECONDS * 1000, () =>
      this.report(408, 'Request Timeout'),
    );
    this.report(100);
  }

  refuse(status: number): void {
    this.#over = true;
    this.#inbound.reply(status >= 300 && status < 700 ? status : 603);
  }

  /** Nobody has taken it in its turn. */
  settle(): void {
    if (!this.#inbound.answered) this.refuse(603);
  }

  report(status: number, reason?: string): void {
    const port = this.#port;
    if (this.#over || port === undefined) return;
    const final = status >= 200;
    this.#over = final;
    const headers: HeaderPair[] = [
      ['event', `refer;id=${this.#inbound.message.cseq.number}`],
      [
        'subscription-state',
        final ? 'terminated;reason=noresource' : `active;expires=${REPORT_SECONDS}`,
      ],
    ];
    const finished = (status?: number): void => {
      // §2.4.7: 481 ends the subscription.
      if (final || status === 481) this.#end();
    };
    port.send(
      { method: 'NOTIFY', capabilities: true, headers, body: sipfrag(status, reason) },
      { final: (response) => finished(response.status), failed: () => finished() },
    );
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#release?.();
  }
}
