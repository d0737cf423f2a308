import { createHash } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { OffhookError, withDeadline } from '@offhook/common';
import { AmiReader, encodeAction, type AmiPacket } from './ami-packet.ts';

export type AmiFields = readonly (readonly [string, string])[];

export interface AmiOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly secret: string;
  /** PEM of the authority to trust, or true for the system's. */
  readonly tls?: boolean | { readonly ca: string };
  /** For the connection and for each action, milliseconds. */
  readonly timeoutMs: number;
  readonly onEvent: (event: AmiPacket) => void;
  /** Told once, unless `close` was called. */
  readonly onClose: (reason: OffhookError) => void;
}

interface Pending {
  readonly action: string;
  /** Rows so far, of an action that is answered by a list. */
  readonly rows: AmiPacket[] | undefined;
  resolve(answer: { packet: AmiPacket; rows: AmiPacket[] }): void;
  reject(error: Error): void;
}

const MAX_PENDING = 1024;
const MAX_ROWS = 100_000;
/** What may wait for an Asterisk that does not read. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** One connection to the manager interface, logged in. */
export class AmiClient {
  readonly #socket: Socket;
  readonly #options: AmiOptions;
  readonly #reader = new AmiReader();
  readonly #pending = new Map<string, Pending>();
  #nextId = 1;
  #closed: OffhookError | undefined;

  private constructor(socket: Socket, options: AmiOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on('data', (chunk) => {
      if (this.#closed !== undefined) return;
      if (this.#reader.push(chunk, (packet) => this.#packet(packet))) return;
      this.#end(new OffhookError('cti', 'bad-peer', `${this.#where} sent more than any PBX does`));
    });
    socket.on('error', (error) => this.#end(connectError(options, error)));
    socket.on('close', () =>
      this.#end(new OffhookError('cti', 'pbx-gone', `${this.#where} closed the connection`)),
    );
  }

  /**
   * Connects and logs in by challenge (MD5), so that the secret does not cross the network.
   *
   * @throws OffhookError `cti`: `pbx-unreachable`, `pbx-refused` (wrong name or secret), `timeout`
   */
  static connect(options: AmiOptions, signal?: AbortSignal): Promise<AmiClient> {
    const { host, port, timeoutMs } = options;
    const what = `logging in to ${host}:${port}`;
    return withDeadline({ layer: 'cti', what, ms: timeoutMs, signal }, async (within) => {
      const client = new AmiClient(await open(options, within), options);
      try {
        await client.#login();
        return client;
      } catch (error) {
        client.close();
        throw error;
      }
    });
  }

  /** An action that is answered by one packet. Rejects with `pbx-refused` and Asterisk's message. */
  async request(action: string, fields: AmiFields = [], signal?: AbortSignal): Promise<AmiPacket> {
    return (await this.#send(action, fields, undefined, signal)).packet;
  }

  /** An action that is answered by a list of events. */
  async list(action: string, fields: AmiFields = [], signal?: AbortSignal): Promise<AmiPacket[]> {
    return (await this.#send(action, fields, [], signal)).rows;
  }

  /** Idempotent; what is pending rejects with `closed`. */
  close(): void {
    const error = new OffhookError('cti', 'closed', 'the connection to the PBX was closed');
    if (this.#closed === undefined) {
      this.#closed = error;
      this.#socket.destroy();
      this.#rejectAll(error);
    }
  }

  get #where(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  async #login(): Promise<void> {
    const { username, secret } = this.#options;
    const { Challenge: challenge } = await this.request('Challenge', [['AuthType', 'MD5']]);
    if (challenge === undefined) {
      throw new OffhookError('cti', 'bad-peer', `${this.#where} is no Asterisk manager`);
    }
    const key = createHash('md5').update(challenge).update(secret).digest('hex');
    await this.request('Login', [
      ['AuthType', 'MD5'],
      ['Username', username],
      ['Key', key],
      ['Events', 'on'],
    ]);
  }

  async #send(
    action: string,
    fields: AmiFields,
    rows: AmiPacket[] | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ packet: AmiPacket; rows: AmiPacket[] }> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#pending.size >= MAX_PENDING || this.#socket.writableLength > MAX_QUEUED_BYTES) {
      throw new OffhookError('cti', 'overloaded', `${this.#where} does not keep up`);
    }
    const id = String(this.#nextId++);
    const text = encodeAction(action, [...fields, ['ActionID', id]]);
    const ms = this.#options.timeoutMs;
    try {
      return await withDeadline(
        { layer: 'cti', what: action, ms, signal },
        () =>
          new Promise((resolve, reject) => {
            this.#pending.set(id, { action, rows, resolve, reject });
            this.#socket.write(text);
          }),
      );
    } finally {
      this.#pending.delete(id);
    }
  }

  #packet(packet: AmiPacket): void {
    const pending = this.#pending.get(packet['ActionID'] ?? '');
    if (packet['Response'] !== undefined) {
      if (pending !== undefined) this.#answer(pending, packet);
      return;
    }
    if (packet['Event'] === undefined) return;
    const rows = pending?.rows;
    if (pending === undefined || rows === undefined) {
      this.#options.onEvent(packet);
    } else if (packet['EventList'] === 'Complete' || packet['EventList'] === 'cancelled') {
      pending.resolve({ packet, rows });
    } else if (rows.push(packet) > MAX_ROWS) {
      pending.reject(new OffhookError('cti', 'bad-peer', `${pending.action} lists without end`));
    }
  }

  #answer(pending: Pending, packet: AmiPacket): void {
    if (packet['Response'] === 'Error') {
      const message = packet['Message'] ?? 'no reason given';
      // An empty list is an error to Asterisk.
      if (pending.rows !== undefined && /^No (active|items|such)|not found/i.test(message)) {
        pending.resolve({ packet, rows: [] });
        return;
      }
      const text = `${this.#where} refused ${pending.action}: ${message}`;
      pending.reject(new OffhookError('cti', 'pbx-refused', text));
    } else if (pending.rows === undefined) {
      pending.resolve({ packet, rows: [] });
    }
  }

  #end(reason: OffhookError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#socket.destroy();
    this.#rejectAll(reason);
    this.#options.onClose(reason);
  }

  #rejectAll(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

async function open(options: AmiOptions, signal: AbortSignal): Promise<Socket> {
  const { host, port, tls } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket =
    tls === undefined || tls === false
      ? connectTcp({ host, port })
      : connectTls({ host, port, ...(tls === true ? {} : { ca: tls.ca }) });
  socket.once(tls === undefined || tls === false ? 'connect' : 'secureConnect', resolve);
  const failed = (error: Error) => reject(connectError(options, error));
  socket.once('error', failed);
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  } finally {
    socket.off('error', failed);
    signal.removeEventListener('abort', abort);
  }
}

function connectError({ host, port }: AmiOptions, error: Error): OffhookError {
  const code = 'code' in error ? String(error.code) : error.message;
  return new OffhookError('cti', 'pbx-unreachable', `${host}:${port} cannot be reached (${code})`, {
    cause: error,
    remedy: 'see that manager.conf has enabled = yes and binds to that address and port',
  });
}
