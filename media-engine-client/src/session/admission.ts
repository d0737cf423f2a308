import { isIP } from 'node:net';
import { mediaError, type MediaOptions, type SdpStep } from '@offhook/media-rpc';
import type { EngineConfig } from '../config.ts';
import type { AddressFinder } from '../local-address.ts';
import { offeredAddress } from '../sdp/answer.ts';
import { isUnspecified } from '../sdp/remote-audio.ts';
import { DestinationPolicy } from './destination-policy.ts';
import type { MediaSession } from './machine.ts';
import type { GuestIdentity } from './record.ts';

/** What the thin client's owner lets a guest do, asked before anything is done. */
export class Admission {
  readonly #config: EngineConfig;
  readonly #addresses: AddressFinder;
  readonly #destinations: DestinationPolicy;

  constructor(config: EngineConfig, addresses: AddressFinder) {
    this.#config = config;
    this.#addresses = addresses;
    this.#destinations = new DestinationPolicy(config.rtp);
  }

  /** @throws `limit-reached` when the guest, or all of them, have as many calls as they may. */
  checkCount(counts: { guest: number; all: number }): void {
    const { sessions, sessions_per_guest: perGuest } = this.#config.policy;
    if (counts.guest >= perGuest) {
      throw mediaError('limit-reached', `This guest has ${counts.guest} calls, the limit here`);
    }
    if (counts.all >= sessions) {
      throw mediaError('limit-reached', `The thin client has ${counts.all} calls, the limit here`);
    }
  }

  /** The guest's wishes as far as they are granted. @throws `no-common-codec` when nothing is left. */
  grant(options: MediaOptions): MediaOptions {
    const { codecs, srtp } = this.#config.policy;
    const granted = options.codecs.filter((name) => codecs.includes(name));
    if (granted.length === 0) {
      throw mediaError('no-common-codec', `Only ${codecs.join(', ')} may be used here`);
    }
    return { ...options, codecs: granted, srtp: srtp === 'required' ? srtp : options.srtp };
  }

  /** The address to bind for a session that begins with this step. @throws `invalid-sdp` */
  localAddress(options: MediaOptions, step: SdpStep): Promise<string> {
    return this.addressTowards(
      step.type === 'answer' ? offeredAddress(step.offer) : options.peerAddress,
    );
  }

  /** The address to bind for media with this peer, or with anybody. */
  addressTowards(peer: string | undefined): Promise<string> {
    const { address } = this.#config.rtp;
    if (address !== 'auto') return Promise.resolve(address);
    const useful = peer !== undefined && isIP(peer) !== 0 && !isUnspecified(peer);
    return this.#addresses.towards(useful ? peer : undefined);
  }

  /** @throws `address-refused` when the session's media may not go where it would. */
  checkDestination(session: MediaSession, guest: GuestIdentity): void {
    const remote = session.inForce?.agreement.remote;
    if (remote === undefined) return;
    for (const { address } of [remote.rtp, remote.rtcp]) {
      const refusal = this.refusal(address, session, guest);
      if (refusal !== undefined) throw mediaError('address-refused', refusal);
    }
  }

  /** Why this session's media must not go to the address; undefined where it may. */
  refusal(address: string, session: MediaSession, guest: GuestIdentity): string | undefined {
    return this.#destinations.refusal(address, {
      local: session.local.rtp.address,
      guestIsLocal: guest.local,
    });
  }
}
