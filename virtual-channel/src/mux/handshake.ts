import type { MuxHello } from './frames.ts';

/**
 * How two ends find out that they talk to each other and not to bytes of somebody who is gone: each
 * sends a fresh nonce and repeats the other's. All that comes before the own nonce came back is old.
 */
export interface MuxHandshake {
  /** Ours. */
  readonly nonce: string;
  readonly peer: string | undefined;
  readonly up: boolean;
}

export interface MuxHandshakeStep {
  readonly state: MuxHandshake;
  /** Send a hello of `state`. */
  readonly greet: boolean;
  readonly event?: 'up' | 'peer-restarted';
}

/** A pure step. `fresh` makes the nonce of the next life when the peer turns out to be another. */
export function receiveMuxHello(
  state: MuxHandshake,
  { nonce, echo }: MuxHello,
  fresh: () => string,
): MuxHandshakeStep {
  if (state.up) {
    if (nonce === state.peer) return { state, greet: echo !== state.nonce };
    const next = { nonce: fresh(), peer: nonce, up: false };
    return { state: next, greet: true, event: 'peer-restarted' };
  }
  const known = state.peer === nonce;
  const up = echo === state.nonce;
  const next = { nonce: state.nonce, peer: nonce, up };
  // The peer must have our echo before it takes what we send: said once for each nonce of its.
  return { state: next, greet: !known || !up, ...(up ? { event: 'up' } : {}) };
}
