import { OffhookError } from '@offhook/common';
import type Srf from 'drachtio-srf';
import type { Dialog, SrfRequest, SrfResponse } from 'drachtio-srf';
import type { Leg } from './leg.ts';

/** `Srf.request`, whose declaration leaves the options out. */
type Send = (
  uri: string,
  options: { method: string; headers: Record<string, string>; body: string },
  callback: (error: Error | null, request?: SrfRequest) => void,
) => void;

/** Requests that begin something: to call a party, and to light a lamp. */
export class Requests {
  readonly #srf: Srf;

  constructor(srf: Srf) {
    this.#srf = srf;
  }

  async invite(
    leg: Leg,
    uri: string,
    options: { localSdp: string; headers: Record<string, string> },
    onRinging: () => void = () => undefined,
  ): Promise<Dialog> {
    try {
      return await this.#srf.createUAC(uri, options, this.#progress(leg, onRinging));
    } finally {
      leg.inviting = undefined;
    }
  }

  async inviteWithoutOffer(
    leg: Leg,
    uri: string,
    headers: Record<string, string>,
    onRinging: () => void = () => undefined,
  ): Promise<{ offer: string; ack: (answer: string) => Promise<Dialog> }> {
    try {
      const options = { noAck: true, headers };
      // With `noAck` it resolves with the offer, and what is to be called with the answer to it.
      const early: unknown = await this.#srf.createUAC(
        uri,
        options,
        this.#progress(leg, onRinging),
      );
      const { sdp: offer, ack } = early as { sdp: string; ack: (sdp: string) => Promise<Dialog> };
      return { offer, ack };
    } finally {
      leg.inviting = undefined;
    }
  }

  #progress(leg: Leg, onRinging: () => void) {
    return {
      cbRequest: (...words: unknown[]) => {
        leg.inviting = words.at(-1) as SrfRequest | undefined;
        if (leg.isOver) leg.inviting?.cancel(() => undefined);
      },
      cbProvisional: ({ status }: SrfResponse) => {
        if (status > 100 && !leg.isOver) onRinging();
      },
    };
  }

  /** A message summary that nobody has asked for (RFC 3842). */
  async notify(uri: string, body: string): Promise<void> {
    const headers = {
      Event: 'message-summary',
      'Subscription-State': 'active',
      'Content-Type': 'application/simple-message-summary',
    };
    const options = { method: 'NOTIFY', headers, body };
    // A promise would be kept after the response, where both come at once.
    const status = await new Promise<number>((resolve, reject) => {
      const send = this.#srf.request.bind(this.#srf) as unknown as Send;
      send(uri, options, (error, request) => {
        if (request === undefined) reject(error ?? new Error('it was not sent'));
        else request.on('response', (response) => resolve(response?.status ?? 0));
      });
    });
    if (status >= 300) {
      throw new OffhookError('cti', 'pbx-refused', `${uri} refused NOTIFY (${status})`);
    }
  }
}
