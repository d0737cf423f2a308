import { OffhookError } from '@offhook/common';

/** One way to reach the registrar of an address. */
export interface Candidate {
  /** For people: `TLS`, `as DNS says`. */
  readonly label: string;
  /** What goes into the configuration; undefined where the domain alone is enough. */
  readonly proxy: string | undefined;
}

export interface SipAddress {
  readonly aor: string;
  readonly user: string;
  /** Host, and port if one was given. */
  readonly domain: string;
}

const ADDRESS =
  /^(sips?:)?([^\s<>"@:;\p{Cc}]+)@((?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?)$/iu;

/**
 * `alice@example.com`, with or without its scheme.
 *
 * @throws OffhookError `bad-address` of layer `config`.
 */
export function parseAddress(text: string): SipAddress {
  const [, scheme, user, domain] = ADDRESS.exec(text.trim()) ?? [];
  if (user === undefined || domain === undefined) {
    throw new OffhookError('config', 'bad-address', `${text} is no SIP address`, {
      remedy: 'it looks like alice@example.com',
    });
  }
  return { aor: `${scheme?.toLowerCase() ?? 'sip:'}${user}@${domain}`, user, domain };
}

/**
 * Ways to the registrar, the safest first: TLS, what DNS says of the domain (RFC 3263: NAPTR, SRV,
 * addresses), TCP, UDP. A server that was named is the only one that is tried.
 */
export function candidates(address: SipAddress, server: string | undefined): readonly Candidate[] {
  const host = server ?? address.domain;
  if (server !== undefined && /^sips?:/i.test(server)) {
    return [{ label: server, proxy: server }];
  }
  const by = (transport: 'tls' | 'tcp' | 'udp'): Candidate => ({
    label: transport.toUpperCase(),
    proxy: `sip:${host};transport=${transport};lr`,
  });
  const asDnsSays = {
    label: 'as DNS says',
    proxy: server === undefined ? undefined : `sip:${host};lr`,
  };
  return address.aor.startsWith('sips:')
    ? [by('tls')]
    : [by('tls'), asDnsSays, by('tcp'), by('udp')];
}
