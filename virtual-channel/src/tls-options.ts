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
  /**
   * Connecting: the certificate's subject, `C=…,O=…,CN=…` in any order, instead of a name. A SPICE
   * server's certificate is for the host that runs the VM, whatever the VM's address.
   */
  readonly serverSubject?: string;
}

/** True when both name the same attributes; case and spaces around `,` and `=` do not count. */
export function sameSubject(expected: string, actual: Record<string, unknown>): boolean {
  const parts = (entries: readonly (readonly [string, string])[]) =>
    entries
      .map(([name, value]) => `${name.trim()}=${value.trim()}`.toLowerCase())
      .toSorted()
      .join(',');
  const wanted = expected.split(/(?<!\\),/).map((part): readonly [string, string] => {
    const at = part.indexOf('=');
    return [part.slice(0, at), part.slice(at + 1).replace(/\\(.)/g, '$1')];
  });
  return (
    parts(wanted) ===
    parts(
      Object.entries(actual).flatMap(([name, value]) =>
        (Array.isArray(value) ? value : [value]).map((one): [string, string] => [
          name,
          String(one),
        ]),
      ),
    )
  );
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
