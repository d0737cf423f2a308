import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * RFC 5922 §7: whether the certificate is for this SIP domain. `sip:` URIs among the alternative
 * names decide if there are any, else the DNS names, else the common name; a wildcard never
 * matches (§7.2). Returns the error that Node's TLS expects, or undefined.
 */
export function checkSipIdentity(
  domain: string,
  certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>,
): Error | undefined {
  if (isIP(domain) !== 0) {
    return checkServerIdentity(domain, certificate as PeerCertificate);
  }
  const wanted = normal(domain);
  const identities = sipIdentities(certificate);
  if (identities.some((identity) => normal(identity) === wanted)) return undefined;
  const listed = identities.length === 0 ? 'no SIP domain' : identities.slice(0, 8).join(', ');
  return new Error(`the certificate is for ${listed}, not for ${domain}`);
}

/** The SIP domains that a certificate names (RFC 5922 §7.1). */
function sipIdentities(
  certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>,
): readonly string[] {
  const names = (certificate.subjectaltname ?? '')
    .split(', ')
    .map((entry) => entry.replace(/^([A-Za-z ]+):"(.*)"$/, '$1:$2'));
  const uris = names.flatMap((name) => {
    // A URI with a user part names a person, not a domain.
    const match = /^URI:sip:([^@;?]+)$/i.exec(name);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  if (uris.length > 0) return uris;
  const dns = names.flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4)] : []));
  if (dns.length > 0) return dns;
  const common: unknown = certificate.subject?.CN;
  return typeof common === 'string' ? [common] : [];
}

function normal(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
