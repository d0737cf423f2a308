import { isIP } from 'node:net';
import { mediaError, type LastWill } from '@offhook/media-rpc';
import type { EngineConfig } from '../config.ts';
import { isUnspecified } from '../sdp/remote-audio.ts';
import { DestinationPolicy } from '../session/destination-policy.ts';
import type { GuestIdentity } from '../session/record.ts';

/**
 * Where last wills may go. They are bytes of the guest's choosing, so it is narrower than for media:
 * privileged ports are left out, and with them most of what would take a request for its own.
 */
export class WillPolicy {
  readonly #config: Pick<EngineConfig, 'will' | 'rtp'>;
  readonly #destinations: DestinationPolicy;

  constructor(config: Pick<EngineConfig, 'will' | 'rtp'>) {
    const { will, rtp } = config;
    const allow = will.allow.length > 0 ? will.allow : rtp.allow;
    this.#config = config;
    this.#destinations = new DestinationPolicy({ ...rtp, allow });
  }

  /** @throws `not-allowed`, `address-refused` */
  check(will: LastWill, guest: GuestIdentity): void {
    const { enabled, ports } = this.#config.will;
    if (!enabled)
      throw mediaError('not-allowed', 'Last wills are not sent from here (will.enabled)');
    const { address, port } = will.destination;
    if (isIP(address) === 0 || isUnspecified(address)) {
      throw mediaError('address-refused', `${address} is no address to send to`);
    }
    if (port < ports.from || port > ports.to) {
      const range = `${ports.from}-${ports.to}`;
      throw mediaError('address-refused', `Port ${port} is not within ${range} (will.ports)`);
    }
    const refusal = this.#destinations.refusal(address, {
      local: address,
      guestIsLocal: guest.local,
    });
    if (refusal !== undefined) throw mediaError('address-refused', refusal);
  }
}
