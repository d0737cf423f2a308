import { describe, expect, it } from 'vitest';
import { advance, newOrigin, nextOrigin } from '../../src/call/sdp-origin.ts';

function sdp(version: number, direction: string): string {
  return `v=0\r\no=- 4711 ${version} IN IP4 192.0.2.1\r\ns=-\r\nm=audio 4000 RTP/AVP 8\r\na=${direction}\r\n`;
}

describe('the o= line (RFC 3264 §8)', () => {
  it('begins with version 1 of the call’s session id', () => {
    expect(nextOrigin(newOrigin('4711'))).toEqual({ username: '-', sessionId: '4711', version: 1 });
  });

  it('goes up by one when the description changes', () => {
    const first = advance(newOrigin('4711'), sdp(1, 'sendrecv'));
    expect(nextOrigin(first.state).version).toBe(2);
    const second = advance(first.state, sdp(2, 'sendonly'));
    expect(second.sdp).toBe(sdp(2, 'sendonly'));
    expect(nextOrigin(second.state).version).toBe(3);
  });

  it('stays, with the very same text, when nothing else has changed', () => {
    const first = advance(newOrigin('4711'), sdp(1, 'sendrecv'));
    const second = advance(first.state, sdp(2, 'sendrecv'));
    expect(second.sdp).toBe(first.sdp);
    expect(nextOrigin(second.state).version).toBe(2);
  });

  it('is continuous whatever version an engine writes', () => {
    const first = advance(newOrigin('4711'), sdp(1, 'sendrecv'));
    const second = advance(first.state, sdp(9, 'inactive'));
    expect(second.sdp).toBe(sdp(2, 'inactive'));
  });
});
