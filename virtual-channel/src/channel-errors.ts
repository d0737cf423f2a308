import { OffhookError } from '@offhook/common';

/** What a channel says of the operating system's and OpenSSL's errors; translated only here. */
const KNOWN: Readonly<Record<string, readonly [code: string, what: string, remedy?: string]>> = {
  ECONNREFUSED: ['not-reachable', 'nothing listens there'],
  ENOENT: ['not-reachable', 'nothing listens there'],
  ENOTFOUND: ['unknown-host', 'the host name is not known'],
  EAI_AGAIN: ['unknown-host', 'the name server does not answer'],
  EHOSTUNREACH: ['no-route', 'no route to the host'],
  ENETUNREACH: ['no-route', 'no route to the network'],
  ETIMEDOUT: ['timeout', 'the peer does not answer'],
  ECONNRESET: ['reset', 'the peer cut the connection'],
  ECONNABORTED: ['reset', 'the connection was cut'],
  EPIPE: ['reset', 'the peer cut the connection'],
  EADDRINUSE: ['in-use', 'another process listens there'],
  EADDRNOTAVAIL: ['no-such-address', 'this machine has no such address'],
  EACCES: ['permission-denied', 'no permission'],
  EPERM: ['permission-denied', 'no permission'],
  CERT_HAS_EXPIRED: ['certificate-refused', "the peer's certificate has expired", 'renew it'],
  CERT_NOT_YET_VALID: [
    'certificate-refused',
    "the peer's certificate is not valid yet",
    'check the clocks',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'certificate-refused',
    "the peer's certificate is for another name",
    'connect by the name in the certificate',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted(),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted(),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted(),
  UNABLE_TO_GET_ISSUER_CERT: untrusted(),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted(),
};

function untrusted(): readonly [string, string, string] {
  return ['certificate-refused', "the peer's certificate is not trusted", 'name its CA with `ca`'];
}

/** `where` is what the sentence begins with: `tcp:127.0.0.1:5`. */
export function channelError(where: string, error: unknown): OffhookError {
  if (error instanceof OffhookError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = KNOWN[code];
  if (known !== undefined) {
    const [name, what, remedy] = known;
    return new OffhookError('channel', name, `${where}: ${what}`, { cause: error, remedy });
  }
  if (/ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA)/.test(code)) {
    return new OffhookError(
      'channel',
      'own-certificate-refused',
      `${where}: the peer refuses our certificate`,
      {
        cause: error,
        remedy: 'give a certificate and key that the peer trusts',
      },
    );
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return new OffhookError('channel', 'tls-failed', `${where}: no TLS connection (${code})`, {
      cause: error,
      remedy: 'check that both ends speak TLS on this port',
    });
  }
  const what = code === '' ? String(error) : code;
  return new OffhookError('channel', 'failed', `${where}: ${what}`, { cause: error });
}

export function closedError(): OffhookError {
  return new OffhookError('channel', 'closed', 'the channel is closed');
}

export function bufferFullError(where: string, limit: number): OffhookError {
  return new OffhookError(
    'channel',
    'send-buffer-full',
    `${where}: the peer has left ${limit} bytes unread`,
  );
}
