import { isIP } from 'node:net';

/** Where requests of a call go, nearest first (RFC 3261 §8.1.2): the outbound proxy before others. */
export function nextHops(
  account: { outbound_proxy?: string | undefined; registrar?: readonly string[] | undefined },
  sip: { outbound_proxy?: string | undefined },
  remote: string,
): readonly string[] {
  const proxy = account.outbound_proxy ?? sip.outbound_proxy;
  return [...(proxy === undefined ? [] : [proxy]), ...(account.registrar ?? []), remote];
}

/** The first numeric host among SIP URIs: where media will probably go. */
export function peerAddress(uris: readonly string[]): string | undefined {
  for (const uri of uris) {
    const match = /^sips?:(?:[^@]*@)?(?:\[([^\]]+)\]|([^;:?]+))/i.exec(uri);
    const host = match?.[1] ?? match?.[2] ?? '';
    if (isIP(host) !== 0) return host;
  }
  return undefined;
}
