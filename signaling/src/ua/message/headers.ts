import { OffhookError } from '@offhook/common';
import type { HeaderField } from '../../transport/head.ts';
import { splitOutsideQuotes } from './lexer.ts';

/** Names whose spelling is more than capitals after hyphens. */
const spelled = new Map<string, string>([
  ['call-id', 'Call-ID'],
  ['cseq', 'CSeq'],
  ['min-se', 'Min-SE'],
  ['rack', 'RAck'],
  ['rseq', 'RSeq'],
  ['www-authenticate', 'WWW-Authenticate'],
]);

function spell(name: string): string {
  let known = spelled.get(name);
  if (known === undefined) {
    known = name.replaceAll(/(^|-)([a-z])/g, (part) => part.toUpperCase());
    // Names may come from the network: a cache without a bound would be a leak.
    if (spelled.size < 200) spelled.set(name, known);
  }
  return known;
}

/** A name (any case, long form) and a value. */
export type HeaderPair = readonly [name: string, value: string];

/** The header fields of a message in their order; names are in lower case, long form. */
export class Headers {
  #fields: HeaderField[];

  /** Takes fields as the transport read them. */
  constructor(fields: readonly HeaderField[] = []) {
    this.#fields = [...fields];
  }

  /** The fields as the transport's and the digest's functions take them. */
  get fields(): readonly HeaderField[] {
    return this.#fields;
  }

  static of(pairs: Iterable<HeaderPair>): Headers {
    const headers = new Headers();
    for (const [name, value] of pairs) headers.add(name, value);
    return headers;
  }

  /** A name or a value that would break the message throws. */
  add(name: string, value: string): void {
    if (/[\r\n]/.test(value) || !/^[\w\-.!%*+`'~]+$/.test(name)) {
      throw new OffhookError('signaling', 'bad-header', `"${name}" is no header field`);
    }
    this.#fields.push({ name: name.toLowerCase(), value });
  }

  /** Replaces every field of that name by one, at the place of the first. */
  set(name: string, value: string): void {
    const key = name.toLowerCase();
    const at = this.#fields.findIndex((field) => field.name === key);
    if (at < 0) {
      this.add(key, value);
      return;
    }
    this.#fields = this.#fields.filter((field, index) => index <= at || field.name !== key);
    this.#fields[at] = { name: key, value };
  }

  remove(name: string): void {
    this.#fields = this.#fields.filter((field) => field.name !== name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The first field's value, as it was written. `name` in lower case. */
  get(name: string): string | undefined {
    for (const field of this.#fields) if (field.name === name) return field.value;
    return undefined;
  }

  all(name: string): string[] {
    const found: string[] = [];
    for (const field of this.#fields) if (field.name === name) found.push(field.value);
    return found;
  }

  /** Every value of a list header (Via, Route, Contact, Supported …), commas resolved. */
  list(name: string): string[] {
    return this.all(name).flatMap((value) => splitOutsideQuotes(value, ','));
  }

  /** Option tags and the like: list values in lower case. */
  tokens(name: string): string[] {
    return this.list(name).map((value) => value.toLowerCase());
  }

  clone(): Headers {
    return new Headers(this.#fields);
  }

  /** The fields as they go out, each with its line end. */
  toString(): string {
    let text = '';
    for (const { name, value } of this.#fields) text += `${spell(name)}: ${value}\r\n`;
    return text;
  }
}
