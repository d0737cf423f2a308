import type { Hello } from './link-messages.ts';

/**
 * Who is at the other end, decided from HELLOs alone: a pure state machine. Each side sends its
 * nonce and echoes the other's. Whatever comes before the echo of our own fresh nonce may be left
 * over from an earlier life of the peer and is thrown away.
 */
export type HandshakeState =
  | { readonly phase: 'greeting'; readonly own: string; readonly peer: string | undefined }
  | { readonly phase: 'up'; readonly own: string; readonly peer: string };

export type HandshakeEffect =
  /** The peer that was there has been replaced by another life of it; ours starts anew, too. */
  | 'restarted'
  /** Send HELLO with our nonce and, if known, the peer's as echo. */
  | 'send-hello'
  /** The peer of this HELLO is there, and everything from now on is meant for us. */
  | 'up';

export interface HandshakeStep {
  readonly state: HandshakeState;
  readonly effects: readonly HandshakeEffect[];
}

export function startHandshake(nonce: string): HandshakeStep {
  return { state: { phase: 'greeting', own: nonce, peer: undefined }, effects: ['send-hello'] };
}

export function receiveHello(
  state: HandshakeState,
  hello: Pick<Hello, 'nonce' | 'echo'>,
  freshNonce: () => string,
): HandshakeStep {
  const matches = hello.echo === state.own;
  if (state.phase === 'up') {
    if (hello.nonce === state.peer) {
      // Sent again before our echo got there.
      return { state, effects: matches ? [] : ['send-hello'] };
    }
    return {
      state: { phase: 'greeting', own: freshNonce(), peer: hello.nonce },
      effects: ['restarted', 'send-hello'],
    };
  }
  if (!matches) return { state: { ...state, peer: hello.nonce }, effects: ['send-hello'] };
  return {
    state: { phase: 'up', own: state.own, peer: hello.nonce },
    // Unless it has had our echo already.
    effects: state.peer === hello.nonce ? ['up'] : ['send-hello', 'up'],
  };
}

/** The highest version in both ranges. */
export function commonVersion(
  a: { readonly min: number; readonly max: number },
  b: { readonly min: number; readonly max: number },
): number | undefined {
  const highest = Math.min(a.max, b.max);
  return highest >= Math.max(a.min, b.min) ? highest : undefined;
}
