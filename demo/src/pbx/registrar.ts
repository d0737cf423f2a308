import type { Clock } from '@offhook/common';
import type { ServedAnswer, ServedRequest } from '@offhook/signaling';

import type { DigestGate } from './digest.ts';

const DEFAULT_EXPIRES_S = 300;
const MAX_EXPIRES_S = 3600;
/** Contacts of one user; more are refused, so that nobody fills the memory. */
const MAX_CONTACTS = 10;

interface Binding {
  readonly expiresAt: number;
  readonly callId: string;
  readonly cseq: number;
}

interface AskedContact {
  readonly uri: string;
  readonly expires: number;
}

/** Who can be reached where: REGISTER as RFC 3261 §10.3 has it, for the users that the gate knows. */
export class Registrar {
  readonly #gate: DigestGate;
  readonly #clock: Clock;
  readonly #bindings = new Map<string, Map<string, Binding>>();

  constructor(options: { gate: DigestGate; clock: Clock }) {
    this.#gate = options.gate;
    this.#clock = options.clock;
  }

  /** The contact URIs of a user that are still good. */
  contacts(user: string): readonly string[] {
    return [...this.#live(user).keys()];
  }

  register(request: ServedRequest): ServedAnswer {
    const verdict = this.#gate.check('REGISTER', request.headers('Authorization'));
    if ('challenge' in verdict) return { status: 401, headers: verdict.challenge };
    const user = userOf(request.headers('To')[0] ?? '');
    if (user === undefined) return { status: 400, reason: 'No address of record' };
    if (user !== verdict.user) return { status: 403 };

    const callId = request.headers('Call-ID')[0] ?? '';
    const cseq = Number.parseInt(request.headers('CSeq')[0] ?? '', 10);
    if (!Number.isSafeInteger(cseq)) return { status: 400, reason: 'No CSeq' };
    const asked = askedContacts(request);
    if (asked === undefined) return { status: 400, reason: 'Contact cannot be read' };

    const live = this.#live(user);
    const changed = asked === '*' ? [...live.keys()] : asked.map(({ uri }) => uri);
    const isOld = changed.some((uri) => {
      const known = live.get(uri);
      return known?.callId === callId && known.cseq >= cseq;
    });
    if (isOld) return { status: 500, reason: 'CSeq is not new' };

    const next = new Map(live);
    for (const uri of changed) next.delete(uri);
    for (const { uri, expires } of asked === '*' ? [] : asked) {
      if (expires > 0)
        next.set(uri, { expiresAt: this.#clock.now() + expires * 1000, callId, cseq });
    }
    if (next.size > MAX_CONTACTS) return { status: 403, reason: 'Too many contacts' };
    this.#bindings.set(user, next);
    return { status: 200, headers: this.#contactLines(next) };
  }

  #live(user: string): ReadonlyMap<string, Binding> {
    const all = this.#bindings.get(user) ?? new Map<string, Binding>();
    return new Map([...all].filter(([, binding]) => binding.expiresAt > this.#clock.now()));
  }

  #contactLines(bindings: ReadonlyMap<string, Binding>): readonly string[] {
    return [...bindings].map(([uri, { expiresAt }]) => {
      const seconds = Math.ceil((expiresAt - this.#clock.now()) / 1000);
      return `Contact: <${uri}>;expires=${seconds}`;
    });
  }
}

/** What the request wants bound; undefined when it cannot be read (RFC 3261 §10.3 steps 6 and 7). */
function askedContacts(request: ServedRequest): '*' | readonly AskedContact[] | undefined {
  const values = request.headers('Contact');
  const general = seconds(request.headers('Expires')[0]) ?? DEFAULT_EXPIRES_S;
  if (values.some((value) => value.trim() === '*')) {
    return values.length === 1 && general === 0 ? '*' : undefined;
  }
  const asked: AskedContact[] = [];
  for (const value of values) {
    const match = /<([^<>\s]+)>(.*)$/.exec(value) ?? /^\s*([^<>;\s]+)(.*)$/.exec(value);
    if (match === null) return undefined;
    const [, uri = '', params = ''] = match;
    const own = seconds(/;\s*expires\s*=\s*"?(\d+)/i.exec(params)?.[1]);
    asked.push({ uri, expires: Math.min(own ?? general, MAX_EXPIRES_S) });
  }
  return asked;
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,10}\s*$/.test(text) ? Number(text) : undefined;
}

function userOf(nameAddress: string): string | undefined {
  return /sips?:([^@\s<>;]+)@/i.exec(nameAddress)?.[1];
}
