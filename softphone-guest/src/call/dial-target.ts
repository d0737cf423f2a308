import { OffhookError } from '@offhook/common';

const MAX_LENGTH = 256;

/** RFC 3261 §25.1: unreserved, escaped and user-unreserved. */
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/;
const HOST_NAME =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?$/;
const IPV6 = /^\[[0-9A-Fa-f:.]{2,45}\]$/;
const PARAMETERS =
  /^(?:;[A-Za-z0-9\-.!%*_+`'~]+(?:=(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+)?)*$/;
/** What people write between the digits of a telephone number (RFC 3966 visual separators). */
const NUMBER = /^\+?[0-9*#][0-9*#\s().\-/]*$/;

/**
 * The SIP URI for what a person dialled: a URI, `user@host`, a telephone number or a bare name.
 * Nothing of the input that is no part of a URI reaches the wire.
 *
 * @throws OffhookError with layer `call` and code `bad-target`.
 */
export function dialTarget(input: string, domain: string): string {
  const text = input.trim();
  if (/\p{Cc}/u.test(text)) throw bad(input, 'it has control characters');
  if (text === '') throw bad(input, 'it is empty');
  if (text.length > MAX_LENGTH) throw bad(input, `it is longer than ${MAX_LENGTH} characters`);

  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') {
    return `${scheme}:${address(input, text.slice(scheme.length + 1))}`;
  }
  if (scheme === 'callto') return dialTarget(text.slice('callto:'.length), domain);
  if (scheme === 'tel')
    return `sip:${number(input, text.slice(4).split(';', 1)[0] ?? '')}@${domain}`;
  if (text.includes('@')) return `sip:${address(input, text)}`;
  if (scheme !== undefined && !/^\d+$/.test(text.slice(scheme.length + 1))) {
    throw bad(input, `"${scheme}:" addresses cannot be called`);
  }
  if (NUMBER.test(text)) return `sip:${number(input, text)}@${domain}`;
  if (!USER.test(text)) throw bad(input, 'it is neither a number, a name nor a SIP address');
  return `sip:${text}@${domain}`;
}

/** `[user[:password]@]host[:port][;parameters]`; headers (`?`) could smuggle others in, so: none. */
function address(input: string, text: string): string {
  const at = text.lastIndexOf('@');
  const user = at < 0 ? undefined : text.slice(0, at);
  const rest = text.slice(at + 1);
  if (user !== undefined && !USER.test(user)) {
    throw bad(
      input,
      /^[^:<>\s]+:[^<>\s]*$/.test(user) ? 'it has a password' : 'its user part is not valid',
    );
  }
  const match = /^(\[[^\]]*\]|[^:;?]*)(?::(\d{1,5}))?(;[^?]*)?$/.exec(rest);
  if (match === null) throw bad(input, 'what follows the host is not valid');
  const host = match[1] ?? '';
  if (!HOST_NAME.test(host) && !IPV6.test(host)) throw bad(input, 'its host is not valid');
  if (match[2] !== undefined && (Number(match[2]) === 0 || Number(match[2]) > 65_535)) {
    throw bad(input, 'its port is not valid');
  }
  if (!PARAMETERS.test(match[3] ?? '')) throw bad(input, 'its parameters are not valid');
  return text;
}

function number(input: string, text: string): string {
  if (!NUMBER.test(text)) throw bad(input, 'it is no telephone number');
  // `#` stands outside the grammar of a user part (RFC 3261 §25.1).
  return text.replaceAll(/[\s().\-/]/g, '').replaceAll('#', '%23');
}

/** The user part of a SIP URI, as it was dialled; empty where there is none. */
export function userOf(uri: string): string {
  const user = /^(?:sips?:)?([^@]*)@/i.exec(uri)?.[1] ?? '';
  return user.replaceAll(/%23/g, '#');
}

/** The Request-URI of an emergency call: the number at a domain, or the service (RFC 5031). */
export function emergencyTarget(number: string, as: 'number' | 'urn', domain: string): string {
  return as === 'urn' ? 'urn:service:sos' : `sip:${number}@${domain}`;
}

/** The domain of an address of record. */
export function domainOf(aor: string): string {
  return aor
    .replace(/^sips?:/i, '')
    .replace(/^[^@]*@/, '')
    .replace(/[;?].*$/, '');
}

function bad(input: string, why: string): OffhookError {
  const shown = input.length > 60 ? `${input.slice(0, 60)}…` : input;
  return new OffhookError('call', 'bad-target', `cannot dial ${JSON.stringify(shown)}: ${why}`, {
    remedy: 'dial a number, a name or sip:user@host',
  });
}
