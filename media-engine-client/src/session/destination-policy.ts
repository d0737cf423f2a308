import { isIP } from 'node:net';
import type { EngineConfig } from '../config.ts';
import { isUnspecified } from '../sdp/remote-audio.ts';
import { NetworkSet } from './network.ts';

/**
 * Where media may be sent. A guest is not trusted: it could use the thin client to throw packets at
 * whatever only the thin client reaches.
 */

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** "This network" and reserved (RFC 6890), multicast, limited broadcast: never one peer's address. */
const NEVER = ['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', 'ff00::/8', '::/128'];

/** IPv4 in the guise of IPv6 (RFC 4291 §2.5.5.2), which nobody writes who means well. */
const MAPPED = ['::ffff:0:0/96'];

export interface DestinationContext {
  /** The address that the session's sockets are bound to. */
  readonly local: string;
  /** The guest reached the engine from this same machine. */
  readonly guestIsLocal: boolean;
}

export class DestinationPolicy {
  readonly #allow: NetworkSet;
  readonly #deny: NetworkSet;
  readonly #loopback = new NetworkSet(LOOPBACK);
  readonly #never = new NetworkSet(NEVER);
  readonly #mapped = new NetworkSet(MAPPED);
  readonly #rtp: EngineConfig['rtp'];

  constructor(rtp: EngineConfig['rtp']) {
    this.#rtp = rtp;
    this.#allow = new NetworkSet(rtp.allow);
    this.#deny = new NetworkSet(rtp.deny);
  }

  /**
   * Why media must not go there, in words; undefined where it may. The unspecified address may
   * always be named: it is the old hold, and nothing is sent to it. Directed broadcasts fail in the
   * kernel, because no socket here has SO_BROADCAST.
   */
  refusal(address: string, context: DestinationContext): string | undefined {
    if (isUnspecified(address)) return undefined;
    if (isIP(address) !== isIP(context.local)) {
      return `${address} cannot be reached from ${context.local}: another IP version`;
    }
    if (this.#deny.has(address)) return `${address} is in rtp.deny`;
    const mapped = isIP(address) === 6 && this.#mapped.has(address);
    if (mapped || this.#never.has(address)) return `${address} is no address of a single host`;
    if (this.#loopback.has(address)) {
      if (this.#allow.has(address) || this.#allowsLoopback(context)) return undefined;
      return `${address} is this machine itself (rtp.loopback)`;
    }
    if (!this.#allow.empty && !this.#allow.has(address)) return `${address} is not in rtp.allow`;
    return undefined;
  }

  #allowsLoopback({ guestIsLocal }: DestinationContext): boolean {
    const { loopback, address } = this.#rtp;
    if (loopback !== 'auto') return loopback === 'allow';
    return guestIsLocal || (address !== 'auto' && this.#loopback.has(address));
  }
}
