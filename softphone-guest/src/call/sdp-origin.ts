import type { SdpOrigin } from '@offhook/media-rpc';

/** What this end has last put on the wire for a call. */
export interface OriginState {
  readonly sessionId: string;
  /** `o=` version of `sdp`; undefined before the first description. */
  readonly version: number | undefined;
  readonly sdp: string | undefined;
}

export function newOrigin(sessionId: string): OriginState {
  return { sessionId, version: undefined, sdp: undefined };
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
  const { sdp: last } = state;
  if (last !== undefined && withoutVersion(sdp) === withoutVersion(last)) {
    return { sdp: last, state };
  }
  const { version } = nextOrigin(state);
  const stamped = withVersion(sdp, version);
  return { sdp: stamped, state: { ...state, version, sdp: stamped } };
}

const ORIGIN = /^o=(\S+) (\S+) (\d+) /m;

function withoutVersion(sdp: string): string {
  return sdp.replace(ORIGIN, 'o=$1 $2 - ');
}

function withVersion(sdp: string, version: number): string {
  return sdp.replace(ORIGIN, `o=$1 $2 ${version} `);
}
