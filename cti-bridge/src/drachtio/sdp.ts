/** The direction that a description asks for (RFC 4566 §6); `sendrecv` where it says nothing. */
export function directionOf(sdp: string): 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive' {
  const found = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(sdp)?.[1];
  return (found ?? 'sendrecv') as ReturnType<typeof directionOf>;
}

/** The same description without sound either way: for a party that waits. */
export function inactive(sdp: string): string {
  const without = sdp.replaceAll(/^a=(sendrecv|sendonly|recvonly|inactive)\r?\n/gm, '');
  return `${without.replace(/(\r?\n)*$/, '')}\r\na=inactive\r\n`;
}

/** An offer of nothing, for the first INVITE of RFC 3725 flow IV: one stream, refused at the start. */
export const BLACK_HOLE = [
  'v=0',
  'o=- 1 1 IN IP4 0.0.0.0',
  's=-',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 9 RTP/AVP 8 0 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=inactive',
  '',
].join('\r\n');
