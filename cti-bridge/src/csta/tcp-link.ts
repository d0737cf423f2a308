import { connect, type Socket } from 'node:net';
import { OffhookError } from '@offhook/common';
import type { ConnectLink, CstaLink, CstaLinkHandlers } from './link.ts';

/**
 * CSTA-XML over TCP without SOAP, ECMA-323 Annex J: two octets of zero, the length of the whole
 * message in two octets, an invoke id of four ASCII digits, and the XML. 9999 is for events.
 */
const HEADER = 8;
const MAX_MESSAGE = 0xff_ff;
const EVENT_ID = 9999;

export interface CstaFrame {
  readonly invokeId: number;
  readonly xml: string;
}

export function encodeFrame({ invokeId, xml }: CstaFrame): Buffer {
  const body = Buffer.from(xml);
  const length = HEADER + body.length;
  if (length > MAX_MESSAGE)
    throw new OffhookError('cti', 'bad-value', 'a CSTA message is too long');
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(length, 2);
  header.write(String(invokeId).padStart(4, '0'), 4, 'ascii');
  return Buffer.concat([header, body]);
}

/** Cuts a byte stream into messages. */
export class CstaFrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** False once the stream is none of CSTA's; it is then of no more use. */
  push(chunk: Buffer, onFrame: (frame: CstaFrame) => void): boolean {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER) {
      const length = this.#rest.readUInt16BE(2);
      const id = this.#rest.toString('latin1', 4, HEADER);
      if (this.#rest.readUInt16BE(0) !== 0 || length < HEADER || !/^\d{4}$/.test(id)) return false;
      if (this.#rest.length < length) return true;
      onFrame({ invokeId: Number(id), xml: this.#rest.toString('utf8', HEADER, length) });
      this.#rest = this.#rest.subarray(length);
    }
    return true;
  }
}

interface Pending {
  resolve(xml: string): void;
  reject(error: Error): void;
}

/** Connects to a switch at that address. */
export function tcpLink(address: { host: string; port: number }): ConnectLink {
  return async (handlers, signal) => {
    const socket = connect(address);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const where = `${address.host}:${address.port}`;
    const failed = (error: Error) =>
      reject(
        new OffhookError('cti', 'pbx-unreachable', `${where} cannot be reached (${error.message})`),
      );
    const abort = () => reject(signal.reason);
    socket.once('error', failed);
    socket.once('connect', () => resolve());
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } catch (error) {
      socket.on('error', () => undefined);
      socket.destroy();
      throw error;
    } finally {
      socket.off('error', failed);
      signal.removeEventListener('abort', abort);
    }
    return new TcpLink(socket, where, handlers);
  };
}

class TcpLink implements CstaLink {
  readonly #socket: Socket;
  readonly #where: string;
  readonly #pending = new Map<number, Pending>();
  readonly #handlers: CstaLinkHandlers;
  #nextId = 0;
  #closed: OffhookError | undefined;

  constructor(socket: Socket, where: string, handlers: CstaLinkHandlers) {
    this.#socket = socket;
    this.#where = where;
    this.#handlers = handlers;
    const reader = new CstaFrameReader();
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      if (this.#closed !== undefined) return;
      const sane = reader.push(chunk, ({ invokeId, xml }) => this.#take(invokeId, xml));
      if (!sane) this.#end(new OffhookError('cti', 'bad-peer', `${where} does not speak CSTA`));
    });
    socket.on('error', () => undefined);
    socket.on('close', () =>
      this.#end(new OffhookError('cti', 'pbx-gone', `${where} closed the connection`)),
    );
  }

  async request(xml: string, signal: AbortSignal): Promise<string> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#pending.size >= 1000) {
      throw new OffhookError('cti', 'overloaded', `${this.#where} does not keep up`);
    }
    do this.#nextId = (this.#nextId + 1) % EVENT_ID;
    while (this.#pending.has(this.#nextId));
    const id = this.#nextId;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#pending.set(id, { resolve, reject });
    this.#socket.write(encodeFrame({ invokeId: id, xml }));
    try {
      return await promise;
    } finally {
      this.#pending.delete(id);
      signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new OffhookError('cti', 'closed', 'the connection was closed');
    this.#finish(this.#closed);
  }

  /** A response to nobody is dropped: whoever asked has given up. */
  #take(invokeId: number, xml: string): void {
    if (invokeId === EVENT_ID) this.#handlers.onEvent(xml);
    else this.#pending.get(invokeId)?.resolve(xml);
  }

  #end(reason: OffhookError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#finish(reason);
    this.#handlers.onClose(reason);
  }

  #finish(reason: OffhookError): void {
    this.#socket.destroy();
    for (const pending of this.#pending.values()) pending.reject(reason);
    this.#pending.clear();
  }
}
