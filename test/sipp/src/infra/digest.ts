import { createHash } from 'node:crypto';
import { digestFields, header, type SipMessage } from './sip-message.ts';

/**
 * Why the credentials of a request do not prove the password (RFC 7616 §3.4); undefined when they
 * do. Worked out from the message alone, apart from the product's own code.
 */
export function digestFault(
  message: SipMessage,
  options: {
    readonly field: 'authorization' | 'proxy-authorization';
    readonly username: string;
    readonly password: string;
    readonly realm?: string;
  },
): string | undefined {
  const all = message.headers.get(options.field) ?? [];
  const value = all.find(
    (one) => options.realm === undefined || digestFields(one)['realm'] === options.realm,
  );
  if (value === undefined) return `no ${options.field} in ${message.startLine}`;
  const given = digestFields(value);
  if (given['username'] !== options.username) return `username is ${given['username']}`;
  const uri = message.startLine.split(' ')[1];
  if (given['uri'] !== uri) return `uri is ${given['uri']}, the request is for ${uri}`;
  const expected = response(given, message, options.password);
  return given['response'] === expected
    ? undefined
    : `response is ${given['response']} instead of ${expected} (${value})`;
}

function response(
  given: Readonly<Record<string, string>>,
  message: SipMessage,
  password: string,
): string {
  const algorithm = (given['algorithm'] ?? 'MD5').toUpperCase();
  const hash = (text: string): string =>
    createHash(algorithm.startsWith('SHA-256') ? 'sha256' : 'md5')
      .update(text, 'latin1')
      .digest('hex');
  const { realm = '', nonce = '', cnonce = '', nc = '', qop, uri = '' } = given;
  let a1 = `${given['username']}:${realm}:${password}`;
  if (algorithm.endsWith('-SESS')) a1 = `${hash(a1)}:${nonce}:${cnonce}`;
  let a2 = `${message.method}:${uri}`;
  if (qop === 'auth-int') a2 += `:${hash(bodyBytes(message))}`;
  if (qop === undefined) return hash(`${hash(a1)}:${nonce}:${hash(a2)}`);
  return hash(`${hash(a1)}:${nonce}:${nc}:${cnonce}:${qop}:${hash(a2)}`);
}

/** As it went over the wire: the trace has lost the carriage returns, and may add line ends. */
function bodyBytes(message: SipMessage): string {
  const length = Number(header(message, 'content-length') ?? 0);
  return message.body.replaceAll('\n', '\r\n').slice(0, length);
}
