import { isIP } from 'node:net';

/** The first numeric host among SIP URIs: where media will probably go. */
export function peerAddress(uris: readonly string[]): string | undefined {
  for (const uri of uris) {
    const match = /^sips?:(?:[^@]*@)?(?:\[([^\]]+)\]|([^;:?]+))/i.exec(uri);
    const host = match?.[1] ?? match?.[2] ?? '';
    if (isIP(host) !== 0) return host;
  }
  return undefined;
}
