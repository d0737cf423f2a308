/**
 * What two multiplexers say to each other, each message the payload of one frame of framing.ts.
 * Numbers are big-endian.
 *
 * ```
 * hello   0 | version u8 | nonce 16 | echo 16      (not numbered; echo is 0 until a nonce is known)
 * open    1 | seq u32 | stream u32 | service, UTF-8
 * data    2 | seq u32 | stream u32 | bytes
 * credit  3 | seq u32 | stream u32 | bytes u32     (so many more may be sent)
 * close   4 | seq u32 | stream u32                 (all was sent, nothing more is taken)
 * reset   5 | seq u32 | stream u32 | code, ASCII
 * ```
 *
 * `seq` counts the numbered messages of one direction since the hello, so that a lost one shows.
 */
export const MUX_VERSION = 1;
export const NONCE_BYTES = 16;
/** Bytes of a stream in one frame: small, so that streams share the channel fairly. */
export const MAX_DATA = 16 * 1024;
const MAX_NAME = 64;
/** No message is longer. */
export const MAX_MESSAGE = 9 + MAX_DATA;

export interface MuxHello {
  readonly type: 'hello';
  readonly version: number;
  /** Hexadecimal. */
  readonly nonce: string;
  readonly echo: string;
}

export type StreamMessage =
  | { readonly type: 'open'; readonly stream: number; readonly service: string }
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly type: 'credit'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'close'; readonly stream: number }
  | { readonly type: 'reset'; readonly stream: number; readonly code: string };

export type MuxMessage = MuxHello | (StreamMessage & { readonly seq: number });

const TYPES = ['hello', 'open', 'data', 'credit', 'close', 'reset'] as const;

export function encodeHello(nonce: string, echo: string | undefined): Buffer {
  const echoed = echo === undefined ? Buffer.alloc(NONCE_BYTES) : Buffer.from(echo, 'hex');
  return Buffer.concat([Buffer.of(0, MUX_VERSION), Buffer.from(nonce, 'hex'), echoed]);
}

export function encodeMessage(seq: number, message: StreamMessage): Buffer {
  const tail = encodeTail(message);
  const bytes = Buffer.allocUnsafe(9 + tail.length);
  bytes[0] = TYPES.indexOf(message.type);
  bytes.writeUInt32BE(seq, 1);
  bytes.writeUInt32BE(message.stream, 5);
  bytes.set(tail, 9);
  return bytes;
}

function encodeTail(message: StreamMessage): Uint8Array {
  switch (message.type) {
    case 'open':
      return Buffer.from(message.service).subarray(0, MAX_NAME);
    case 'data':
      return message.bytes;
    case 'credit': {
      const tail = Buffer.alloc(4);
      tail.writeUInt32BE(message.bytes);
      return tail;
    }
    case 'reset':
      return Buffer.from(message.code, 'latin1').subarray(0, MAX_NAME);
    case 'close':
      return Buffer.alloc(0);
  }
}

/** Undefined for what is no message. Data is a view into `payload`. */
export function decodeMessage(payload: Buffer): MuxMessage | undefined {
  const type = TYPES[payload[0] ?? TYPES.length];
  if (type === undefined) return undefined;
  if (type === 'hello') return decodeHello(payload);
  if (payload.length < 9) return undefined;
  const seq = payload.readUInt32BE(1);
  const stream = payload.readUInt32BE(5);
  const tail = payload.subarray(9);
  switch (type) {
    case 'data':
      return { type, seq, stream, bytes: tail };
    case 'credit':
      return tail.length === 4 ? { type, seq, stream, bytes: tail.readUInt32BE() } : undefined;
    case 'close':
      return tail.length === 0 ? { type, seq, stream } : undefined;
    case 'open': {
      const service = tail.toString('utf8');
      return isServiceName(service) ? { type, seq, stream, service } : undefined;
    }
    case 'reset': {
      const code = tail.toString('latin1');
      return isServiceName(code) ? { type, seq, stream, code } : undefined;
    }
  }
}

/** Names of services, and codes of resets: `media`, `unknown-service`. */
export function isServiceName(text: string): boolean {
  return text.length <= MAX_NAME && /^[a-z][a-z0-9.-]*$/.test(text);
}

function decodeHello(payload: Buffer): MuxHello | undefined {
  if (payload.length !== 2 + 2 * NONCE_BYTES) return undefined;
  return {
    type: 'hello',
    version: payload[1] ?? 0,
    nonce: payload.subarray(2, 2 + NONCE_BYTES).toString('hex'),
    echo: payload.subarray(2 + NONCE_BYTES).toString('hex'),
  };
}
