import type { Headers } from './message/headers.ts';
import { param, parseParams, unquote } from './message/lexer.ts';

/** What a final status means to the person who made the call. */
const WORDS: Readonly<Record<number, string>> = {
  200: 'call ended',
  300: 'several destinations',
  301: 'number has moved',
  302: 'call is diverted',
  305: 'a proxy is required',
  380: 'another service is offered',
  400: 'request not understood',
  401: 'login refused',
  402: 'payment required',
  403: 'forbidden',
  404: 'no such number',
  405: 'not allowed there',
  406: 'not acceptable',
  407: 'login refused by the proxy',
  408: 'no answer',
  410: 'number no longer exists',
  412: 'precondition failed',
  413: 'message too large',
  414: 'address too long',
  415: 'media type not supported',
  416: 'address type not supported',
  420: 'required feature not supported',
  421: 'a required feature is missing',
  422: 'session interval too small',
  423: 'registration interval too short',
  429: 'referrer identity missing',
  430: 'connection to the phone failed',
  433: 'anonymous calls are rejected',
  480: 'not available',
  481: 'call no longer exists',
  482: 'routing loop',
  483: 'too many hops',
  484: 'number incomplete',
  485: 'number ambiguous',
  486: 'busy',
  487: 'cancelled',
  488: 'no codec in common',
  489: 'event not supported',
  491: 'other change in progress',
  493: 'encryption not understood',
  494: 'security agreement required',
  500: 'server error',
  501: 'not supported there',
  502: 'bad gateway',
  503: 'service unavailable',
  504: 'server does not answer',
  505: 'SIP version not supported',
  513: 'message too large',
  580: 'precondition failed',
  600: 'busy everywhere',
  603: 'declined',
  604: 'no such number anywhere',
  606: 'not acceptable',
  607: 'unwanted',
};

const BY_CLASS: Readonly<Record<number, string>> = {
  3: 'call is diverted',
  4: 'call failed',
  5: 'server error',
  6: 'call rejected',
};

/** Q.850 causes that say more than the status they usually come with. */
const Q850: Readonly<Record<number, string>> = {
  1: 'no such number',
  2: 'no route to that network',
  3: 'no route to that number',
  16: 'call ended',
  17: 'busy',
  18: 'no answer',
  19: 'no answer',
  20: 'subscriber absent',
  21: 'declined',
  22: 'number has changed',
  26: 'answered elsewhere',
  27: 'destination out of order',
  28: 'number incomplete',
  31: 'call ended',
  34: 'all lines are busy',
  38: 'network out of order',
  41: 'temporary failure',
  42: 'network is congested',
  44: 'channel not available',
  50: 'feature not subscribed',
  57: 'not authorised',
  58: 'not available now',
  65: 'not supported there',
  79: 'not supported there',
  88: 'incompatible destination',
  102: 'network timer expired',
  127: 'interworking error',
};

export function statusInWords(status: number): string {
  return WORDS[status] ?? BY_CLASS[Math.floor(status / 100)] ?? 'call failed';
}

/**
 * Why a call ended, in words: from the Reason header (RFC 3326; SIP causes before Q.850), then from
 * the status, with the text of a Warning (RFC 3261 §20.43) where the status alone says little.
 */
export function reasonInWords(status: number, headers: Headers, phrase = ''): string {
  const reasons = headers.list('reason').map(parseReason);
  const sip = reasons.find((reason) => reason.protocol === 'sip' && reason.cause !== undefined);
  if (sip?.cause !== undefined && sip.cause !== status) {
    return sip.cause === 200 ? 'answered elsewhere' : statusInWords(sip.cause);
  }
  const q850 = reasons.find((reason) => reason.protocol === 'q.850');
  const cause = q850?.cause === undefined ? undefined : Q850[q850.cause];
  if (cause !== undefined && q850?.cause !== 16 && q850?.cause !== 127) return cause;
  const warning = /^\d{3}\s+\S+\s+(".*")$/s.exec(headers.get('warning') ?? '')?.[1];
  const words = WORDS[status] ?? (phrase === '' ? statusInWords(status) : phrase.toLowerCase());
  return warning === undefined ? words : `${words} (${unquote(warning).slice(0, 120)})`;
}

const LOGIN = {
  rejected: 'wrong user name or password',
  'no-credentials': 'a password is wanted, and there is none for that realm',
  unsupported: 'a kind of login is wanted that this phone does not know',
  'no-end': 'the server asks for the password again and again',
} as const;

/** Why we could not log in (RFC 3261 §22). */
export function loginInWords(refusal: keyof typeof LOGIN | undefined): string | undefined {
  return refusal === undefined ? undefined : LOGIN[refusal];
}

interface Reason {
  readonly protocol: string;
  readonly cause: number | undefined;
}

function parseReason(value: string): Reason {
  const at = value.indexOf(';');
  const params = at < 0 ? [] : parseParams(value.slice(at + 1));
  const cause = /^\d+$/.exec(param(params, 'cause') ?? '')?.[0];
  return {
    protocol: (at < 0 ? value : value.slice(0, at)).trim().toLowerCase(),
    cause: cause === undefined ? undefined : Number(cause),
  };
}

/** Reason phrases of the status line (RFC 3261 §21 and the IANA registry). */
const PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'Version Not Supported',
  600: 'Busy Everywhere',
  603: 'Decline',
  606: 'Not Acceptable',
};

export function reasonPhrase(status: number): string {
  return PHRASES[status] ?? 'Unknown';
}

/** Of whatever was thrown, without its layer: for the reason of an end. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
