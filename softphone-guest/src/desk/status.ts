import type { CtiClientState, Device } from '@offhook/cti-bridge/client';
import { inabilities, type DeskCommand } from './abilities.ts';

/** How the desk phone fares, as people are told it. */
export interface DeskStatus {
  readonly device: string;
  readonly state: 'connecting' | 'connected' | 'disconnected' | 'no-device' | 'out-of-service';
  /** In words, e.g. `desk phone alice: connected`. */
  readonly text: string;
  readonly cannot: readonly { readonly command: DeskCommand; readonly reason: string }[];
}

/** Pure: the connection with the bridge, and what the bridge tells of the phone. */
export function statusOf(facts: {
  readonly link: CtiClientState | undefined;
  readonly device: string;
  readonly known: Device | undefined;
  readonly url: string;
}): DeskStatus {
  const { link, device, known, url } = facts;
  const phone = `desk phone ${device}`;
  const cannot = known === undefined ? [] : inabilities(known);
  const is = (state: DeskStatus['state'], words: string): DeskStatus => ({
    device,
    state,
    text: `${phone}: ${words}`,
    cannot,
  });
  if (link === undefined) return is('connecting', `connecting with the CTI bridge at ${url}`);
  if (link.state === 'disconnected') {
    const what =
      link.code === 'unauthenticated' || link.code === 'forbidden'
        ? `the CTI bridge refuses the token (${link.reason})`
        : `the CTI bridge is gone (${link.reason})`;
    return is('disconnected', `${what}; calls at the phone go on`);
  }
  if (known === undefined) return is('no-device', 'the CTI bridge does not show it to this token');
  return known.inService ? is('connected', 'connected') : is('out-of-service', 'out of service');
}
