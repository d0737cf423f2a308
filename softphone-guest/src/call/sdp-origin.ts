import { createHash } from 'node:crypto';
import type { SdpOrigin } from '@offhook/media-rpc';

/** What this end has last put on the wire for a call; plain data, and nothing secret in it. */
export interface OriginState {
  readonly sessionId: string;
  /** `o=` version of the last description; undefined before the first. */
  readonly version?: number | undefined;
  /** Of that description without its version: it may have keys in it, which nobody else keeps. */
  readonly digest?: string | undefined;
}

export function newOrigin(sessionId: string): OriginState {
  return { sessionId };
}

/** What the engine is to write into the next description, should it differ from the last one. */
export function nextOrigin(state: OriginState): SdpOrigin {
  return {
    username: '-',
    sessionId: state.sessionId,
    version: state.version === undefined ? 1 : state.version + 1,
  };
}

/**
 * RFC 3264 §8: the version goes up by one exactly when the description differs from the one before.
 * An unchanged one goes out again as it was.
 */
export function advance(
  state: OriginState,
  sdp: string,
): { readonly sdp: string; readonly state: OriginState } {
  const digest = digestOf(sdp);
  if (state.version !== undefined && state.digest === digest) {
    return { sdp: withVersion(sdp, state.version), state };
  }
  const { version } = nextOrigin(state);
  return { sdp: withVersion(sdp, version), state: { ...state, version, digest } };
}

const ORIGIN = /^o=(\S+) (\S+) (\d+) /m;

function digestOf(sdp: string): string {
  const text = sdp.replace(ORIGIN, 'o=$1 $2 - ');
  return createHash('sha256').update(text).digest('base64url');
}

function withVersion(sdp: string, version: number): string {
  return sdp.replace(ORIGIN, `o=$1 $2 ${version} `);
}
