import type { PeerCertificate, TLSSocket } from 'node:tls';

/** PEM texts. Verification of the peer is on unless it is explicitly turned off. */
export interface TlsOptions {
  /** Who may sign the peer's certificate; the system's store by default. */
  readonly ca?: string;
  /** Our certificate chain: needed to listen, and for mutual authentication. */
  readonly cert?: string;
  readonly key?: string;
  /** False: any certificate is taken (for tests; the connection is then open to interception). */
  readonly verify?: boolean;
  /** Listening: the client must show a certificate that `ca` signed. */
  readonly requireClientCertificate?: boolean;
  /** Connecting: the name the certificate must be for; the address's host by default. */
  readonly serverName?: string;
}

/** `CN=engine,O=Example` of a peer whose certificate was verified. */
export function certificateSubject(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  if (certificate.subject === undefined) return undefined;
  return Object.entries(certificate.subject)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');
}
