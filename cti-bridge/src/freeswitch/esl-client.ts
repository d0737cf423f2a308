import { connect as connectTcp, type Socket } from 'node:net';
import { OffhookError, withDeadline } from '@offhook/common';
import { BoundedMap } from '../model/bounded-map.ts';
import { encodeCommand, EslReader, parseEvent, type EslMessage } from './esl-message.ts';

/** Headers of an event. */
export type EslEvent = ReadonlyMap<string, string>;

export interface EslOptions {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** For the connection and for each command, milliseconds. */
  readonly timeoutMs: number;
  readonly onEvent: (event: EslEvent) => void;
  /** Told once, unless `close` was called. */
  readonly onClose: (reason: OffhookError) => void;
}

interface Pending {
  resolve(message: EslMessage): void;
  reject(error: Error): void;
}

const MAX_PENDING = 1024;
/** What may wait for a FreeSWITCH that does not read. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** One inbound connection to mod_event_socket, logged in. Replies come in the order of commands. */
export class EslClient {
  readonly #socket: Socket;
  readonly #options: EslOptions;
  readonly #reader = new EslReader();
  readonly #pending: Pending[] = [];
  readonly #jobs = new BoundedMap<string, string>(256);
  readonly #greeted = Promise.withResolvers<void>();
  #closed: OffhookError | undefined;

  private constructor(options: EslOptions) {
    this.#options = options;
    this.#socket = connectTcp({ host: options.host, port: options.port });
    this.#socket.setNoDelay(true);
    this.#greeted.promise.catch(() => undefined);
    this.#socket.on('data', (chunk) => {
      if (this.#closed !== undefined) return;
      if (this.#reader.push(chunk, (message) => this.#message(message))) return;
      this.#end(new OffhookError('cti', 'bad-peer', `${this.#where} is no FreeSWITCH`));
    });
    this.#socket.on('error', (error) => this.#end(unreachable(this.#where, error)));
    this.#socket.on('close', () => this.#end(gone(this.#where, 'closed the connection')));
  }

  /**
   * Connects, logs in, and asks for events.
   *
   * @throws OffhookError `cti`: `pbx-unreachable`, `pbx-refused` (wrong password, or an address that
   * the ACL of event_socket.conf keeps out), `timeout`
   */
  static connect(
    options: EslOptions,
    events: readonly string[],
    signal?: AbortSignal,
  ): Promise<EslClient> {
    const { host, port, password, timeoutMs } = options;
    const what = `logging in to ${host}:${port}`;
    const client = new EslClient(options);
    return withDeadline({ layer: 'cti', what, ms: timeoutMs, signal }, async () => {
      try {
        await client.#greeted.promise;
        await client.#command(`auth ${password}`);
        await client.#command(`event plain ${events.join(' ')}`);
        return client;
      } catch (error) {
        client.close();
        throw error;
      }
    }).catch((error: unknown) => {
      client.close();
      throw error;
    });
  }

  /** An API command; its answer without the line end. Rejects with `pbx-refused` and what FreeSWITCH said. */
  async api(command: string, signal?: AbortSignal): Promise<string> {
    const { body } = await this.#send(encodeCommand(`api ${command}`), command, signal);
    const answer = body.trim();
    if (!/^-(ERR|USAGE)/.test(answer)) return answer;
    const [name = ''] = command.split(' ');
    const why = answer.replace(/^-ERR:?\s*/, '').slice(0, 200);
    throw new OffhookError('cti', 'pbx-refused', `${this.#where} refused ${name}: ${why}`);
  }

  /**
   * Begins an API command that takes long; it would hold up every other one. Resolves with the job's id;
   * its event is `BACKGROUND_JOB`, and then there is a `jobResult`.
   */
  async background(command: string, signal?: AbortSignal): Promise<string> {
    const { headers } = await this.#send(encodeCommand(`bgapi ${command}`), command, signal);
    return headers.get('Job-UUID') ?? '';
  }

  jobResult(job: string): string | undefined {
    return this.#jobs.get(job);
  }

  /** An event of ours, as `sendevent` takes it. */
  async sendEvent(
    name: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#send(encodeCommand(`sendevent ${name}`, headers), name, signal);
  }

  /** Idempotent; what is pending rejects with `closed`. */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new OffhookError('cti', 'closed', 'the connection to the PBX was closed');
    this.#socket.destroy();
    this.#rejectAll(this.#closed);
  }

  get #where(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  async #command(line: string): Promise<void> {
    const [what = ''] = line.split(' ');
    const { headers } = await this.#send(encodeCommand(line), what);
    const reply = headers.get('Reply-Text') ?? '';
    if (reply.startsWith('+OK')) return;
    const why = reply.replace(/^-ERR\s*/, '');
    throw new OffhookError('cti', 'pbx-refused', `${this.#where} refused ${what}: ${why}`);
  }

  async #send(text: string, what: string, signal?: AbortSignal): Promise<EslMessage> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#pending.length >= MAX_PENDING || this.#socket.writableLength > MAX_QUEUED_BYTES) {
      throw new OffhookError('cti', 'overloaded', `${this.#where} does not keep up`);
    }
    const ms = this.#options.timeoutMs;
    return withDeadline(
      { layer: 'cti', what, ms, signal },
      () =>
        new Promise((resolve, reject) => {
          this.#pending.push({ resolve, reject });
          this.#socket.write(text);
        }),
    );
  }

  #message(message: EslMessage): void {
    switch (message.headers.get('Content-Type') ?? '') {
      case 'auth/request':
        this.#greeted.resolve();
        return;
      case 'command/reply':
      case 'api/response':
        this.#pending.shift()?.resolve(message);
        return;
      case 'text/event-plain':
        this.#event(parseEvent(message.body));
        return;
      case 'text/rude-rejection': {
        const why = `the ACL of its event socket keeps this address out`;
        this.#end(new OffhookError('cti', 'pbx-refused', `${this.#where}: ${why}`));
        return;
      }
      case 'text/disconnect-notice':
        this.#end(gone(this.#where, 'ended the session'));
        return;
      default:
    }
  }

  #event({ headers, body }: EslMessage): void {
    if (headers.get('Event-Name') === 'BACKGROUND_JOB') {
      this.#jobs.set(headers.get('Job-UUID') ?? '', body.trim());
    }
    this.#options.onEvent(headers);
  }

  #end(reason: OffhookError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#socket.destroy();
    this.#rejectAll(reason);
    this.#options.onClose(reason);
  }

  #rejectAll(error: Error): void {
    this.#greeted.reject(error);
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}

function gone(where: string, how: string): OffhookError {
  return new OffhookError('cti', 'pbx-gone', `${where} ${how}`);
}

function unreachable(where: string, error: Error): OffhookError {
  const code = 'code' in error ? String(error.code) : error.message;
  return new OffhookError('cti', 'pbx-unreachable', `${where} cannot be reached (${code})`, {
    cause: error,
    remedy: 'see that mod_event_socket is loaded and listens at that address and port',
  });
}
