import { mediaOptions, type MediaOptions } from '@offhook/media-rpc';
import type { Agreement, LocalStep, Terms } from '../../src/sdp/negotiation.ts';

const SUITES = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const;

export const local = {
  rtp: { address: '192.0.2.10', port: 40_000 },
  rtcp: { address: '192.0.2.10', port: 40_001 },
};

/** Keys that count up, so that a test sees which are new. */
export function terms(
  options: Partial<MediaOptions> = {},
  current?: Agreement,
  rekey = false,
): Terms {
  let count = current === undefined ? 0 : 100;
  return {
    options: { ...mediaOptions.parse({ srtpSuites: [...SUITES] }), ...options },
    local,
    current,
    newKey: (bytes) => new Uint8Array(bytes).fill(++count),
    rekey,
  };
}

export function step(direction: LocalStep['direction'] = 'sendrecv', version = 1): LocalStep {
  return { direction, origin: { username: 'alice', sessionId: '4611686018427387905', version } };
}

/** A description of the peer; `audio` are the lines behind its m= line. */
export function peerSdp(
  mediaLine = 'audio 5004 RTP/AVP 0 8 9 96 101',
  audio: readonly string[] = [
    'a=rtpmap:96 opus/48000/2',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
  ],
  session: readonly string[] = ['c=IN IP4 198.51.100.7'],
): string {
  return [
    'v=0',
    'o=bob 1 1 IN IP4 198.51.100.7',
    's=call',
    ...session,
    't=0 0',
    `m=${mediaLine}`,
    ...audio,
    '',
  ].join('\r\n');
}

export function lines(sdp: string, prefix: string): string[] {
  return sdp.split('\r\n').filter((line) => line.startsWith(prefix));
}

/** What `work` gives, or what it throws. */
export function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
