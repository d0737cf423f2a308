/** User and host of a SIP URI, in lower case where that makes no difference (RFC 3261 §19.1.4). */
function partsOf(uri: string): { user: string; host: string } | undefined {
  const found = /^sips?:([^@;?>\s]+)@(\[[^\]]+\]|[^:;?>\s]+)/i.exec(uri.trim());
  return found === null
    ? undefined
    : { user: found[1] ?? '', host: (found[2] ?? '').toLowerCase() };
}

/** Whether two URIs name the same person, whatever the port and the parameters are. */
export function sameAddress(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const [a, b] = [partsOf(one), partsOf(other)];
  return a !== undefined && b !== undefined && a.user === b.user && a.host === b.host;
}
