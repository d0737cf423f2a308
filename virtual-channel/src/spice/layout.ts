import { OffhookError } from '@offhook/common';

/**
 * SPICE bodies are packed little-endian structs. `blob` is how spice.proto marshals a pointer to an
 * array: u32 size, then u32 offset from the start of the body; `rest` is what is left of the body.
 */
export type FieldType = 'u8' | 'u16' | 'u32' | 'u64' | 'blob' | 'rest';
export type Layout = Readonly<Record<string, FieldType>>;

type FieldValue<T extends FieldType> = T extends 'u64'
  ? bigint
  : T extends 'blob' | 'rest'
    ? Uint8Array
    : number;
export type Fields<L extends Layout> = { readonly [K in keyof L]: FieldValue<L[K]> };

const FIXED_SIZE = { u8: 1, u16: 2, u32: 4, u64: 8, blob: 8, rest: 0 } as const;

/** @throws OffhookError `channel/spice-malformed` when a field or what it points to is outside. */
export function decodeBody<L extends Layout>(name: string, layout: L, body: Uint8Array): Fields<L> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const fields: Record<string, number | bigint | Uint8Array> = {};
  let at = 0;
  for (const [field, type] of Object.entries(layout)) {
    if (at + FIXED_SIZE[type] > body.length) throw malformed(name, field, body.length);
    fields[field] = readField(name, field, type, view, body, at);
    at += FIXED_SIZE[type];
  }
  return fields as Fields<L>;
}

function readField(
  name: string,
  field: string,
  type: FieldType,
  view: DataView,
  body: Uint8Array,
  at: number,
): number | bigint | Uint8Array {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 'u16':
      return view.getUint16(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'u64':
      return view.getBigUint64(at, true);
    case 'rest':
      return body.subarray(at);
    case 'blob': {
      const size = view.getUint32(at, true);
      const offset = view.getUint32(at + 4, true);
      if (size === 0) return body.subarray(0, 0);
      if (offset + size > body.length) throw malformed(name, field, body.length);
      return body.subarray(offset, offset + size);
    }
  }
}

export function encodeBody<L extends Layout>(layout: L, fields: Fields<L>): Uint8Array {
  const entries = Object.entries(layout).map(([field, type]) => ({
    type,
    value: fields[field as keyof L],
  }));
  const fixed = entries.reduce((sum, { type }) => sum + FIXED_SIZE[type], 0);
  const total = entries.reduce(
    (sum, { value }) => sum + (isBytes(value) ? value.length : 0),
    fixed,
  );
  const body = new Uint8Array(total);
  const view = new DataView(body.buffer);
  let at = 0;
  let tail = fixed;
  for (const { type, value } of entries) {
    if (type === 'u8') view.setUint8(at, Number(value));
    else if (type === 'u16') view.setUint16(at, Number(value), true);
    else if (type === 'u32') view.setUint32(at, Number(value), true);
    else if (type === 'u64') view.setBigUint64(at, value as bigint, true);
    else if (isBytes(value)) {
      if (type === 'blob') {
        view.setUint32(at, value.length, true);
        view.setUint32(at + 4, tail, true);
      }
      body.set(value, tail);
      tail += value.length;
    }
    at += FIXED_SIZE[type];
  }
  return body;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function malformed(message: string, field: string, length: number): OffhookError {
  return new OffhookError(
    'channel',
    'spice-malformed',
    `SPICE message ${message} of ${length} bytes has no room for ${field}`,
  );
}
