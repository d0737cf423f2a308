/** A header field as it stood on the wire, unfolded. */
export interface HeaderField {
  /** The long form in lower case: `v` is `via`. */
  readonly name: string;
  readonly value: string;
}

/** Start line and header fields of a message, before any grammar is applied to the values. */
export type SipHead = RequestHead | ResponseHead;

export interface RequestHead {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly fields: readonly HeaderField[];
}

export interface ResponseHead {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly HeaderField[];
}

/** Every value of a header, in order; `name` in lower case, long form. */
export function headerValues(head: SipHead, name: string): readonly string[] {
  return head.fields.filter((field) => field.name === name).map((field) => field.value);
}

/** The first value of a header. */
export function headerValue(head: SipHead, name: string): string | undefined {
  return head.fields.find((field) => field.name === name)?.value;
}
