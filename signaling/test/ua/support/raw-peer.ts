import { vi } from 'vitest';
import type { Endpoint } from '../../../src/transport/layer.ts';
import type { UdpSocket } from '../../../src/transport/network.ts';
import type { MemoryNetwork } from './memory-network.ts';

/** Moves virtual time on in small steps until `probe` gives something, or `ms` are over. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false,
  ms = 3000,
): Promise<T> {
  const step = 5;
  for (let waited = 0; waited <= ms; waited += step) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    await vi.advanceTimersByTimeAsync(step);
  }
  throw new Error(`${what} did not happen within ${ms} ms`);
}

export const elapse = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** A message as the peer got it. */
export class Got {
  readonly text: string;
  readonly start: string;
  readonly body: string;
  readonly from: Endpoint;

  constructor(text: string, from: Endpoint) {
    this.text = text;
    this.from = from;
    this.start = text.slice(0, text.indexOf('\r\n'));
    this.body = text.slice(text.indexOf('\r\n\r\n') + 4);
  }

  header(name: string): string {
    return this.headers(name)[0] ?? '';
  }

  headers(name: string): string[] {
    const head = this.text.slice(0, this.text.indexOf('\r\n\r\n'));
    return head
      .split('\r\n')
      .slice(1)
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(line.indexOf(':') + 1).trim());
  }

  get cseq(): number {
    return Number(this.header('CSeq').split(' ')[0]);
  }

  get contact(): string {
    return /<([^>]*)>/.exec(this.header('Contact'))?.[1] ?? '';
  }

  tag(name: 'From' | 'To'): string {
    return /;tag=([^;\s]+)/.exec(this.header(name))?.[1] ?? '';
  }
}

let serial = 0;

/** A peer that speaks SIP as text, line by line, exactly as the test says. */
export class RawPeer {
  readonly at: Endpoint;
  readonly inbox: Got[] = [];
  readonly #seen = new Set<string>();
  #socket: UdpSocket | undefined;

  constructor(address: string, port: number) {
    this.at = { address, port };
  }

  static async on(network: MemoryNetwork, address: string, port = 5060): Promise<RawPeer> {
    const peer = new RawPeer(address, port);
    peer.#socket = await network.bindUdp(
      { transport: 'udp', address, port },
      {
        message: (data, from) => {
          const text = Buffer.from(data).toString();
          // Requests that are sent again say nothing new; responses and ACK may.
          const known = !/^(?:SIP|ACK) ?/.test(text) && peer.#seen.has(text);
          peer.#seen.add(text);
          if (text.trim() !== '' && !known) peer.inbox.push(new Got(text, from));
        },
        error: () => undefined,
      },
    );
    return peer;
  }

  get uri(): string {
    return `sip:peer@${this.at.address}:${this.at.port}`;
  }

  send(to: Endpoint, lines: readonly string[], body = ''): void {
    const text = [...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
    this.#socket?.send(Buffer.from(text), to, () => undefined);
  }

  /** Takes the next message that begins so out of the inbox, waiting for it. */
  async expect(start: string | RegExp, ms?: number): Promise<Got> {
    const fits = (got: Got): boolean =>
      typeof start === 'string' ? got.start.startsWith(start) : start.test(got.start);
    try {
      return await eventually(
        String(start),
        () => {
          const at = this.inbox.findIndex(fits);
          return at < 0 ? undefined : this.inbox.splice(at, 1)[0];
        },
        ms,
      );
    } catch (error) {
      const seen = this.inbox.map((got) => got.start).join(' | ');
      throw new Error(`${(error as Error).message}; in the inbox: ${seen}`, { cause: error });
    }
  }

  /** How many messages of that kind wait in the inbox. */
  count(start: string): number {
    return this.inbox.filter((got) => got.start.startsWith(start)).length;
  }

  /** Answers a request of ours. */
  reply(
    request: Got,
    status: string,
    options: { tag?: string; headers?: readonly string[]; body?: string; type?: string } = {},
  ): void {
    const { tag = 'peer', headers = [], body = '', type = 'application/sdp' } = options;
    const to = request.header('To');
    const tagged = /;tag=/.test(to) || status.startsWith('100') ? to : `${to};tag=${tag}`;
    const named = headers.some((line) => /^contact:/i.test(line));
    this.send(
      request.from,
      [
        `SIP/2.0 ${status}`,
        ...request
          .headers('Via')
          .map((value) => `Via: ${value}`)
          .map((line) =>
            line.replace(
              /;rport(?=;|$)/,
              `;received=${request.from.address};rport=${request.from.port}`,
            ),
          ),
        `From: ${request.header('From')}`,
        `To: ${tagged}`,
        `Call-ID: ${request.header('Call-ID')}`,
        `CSeq: ${request.header('CSeq')}`,
        ...(named || !request.start.startsWith('INVITE') ? [] : [`Contact: <${this.uri}>`]),
        ...headers,
        ...(body === '' ? [] : [`Content-Type: ${type}`]),
      ],
      body,
    );
  }

  /** A request of the peer; fields that are not given are made up. */
  request(
    to: Endpoint,
    method: string,
    options: {
      uri?: string;
      callId?: string;
      cseq?: number;
      from?: string;
      to?: string;
      branch?: string;
      headers?: readonly string[];
      body?: string;
      type?: string;
    } = {},
  ): { branch: string } {
    serial += 1;
    const branch = options.branch ?? `z9hG4bKraw${serial}`;
    const { body = '', type = 'application/sdp' } = options;
    const named = options.headers?.some((line) => /^contact:/i.test(line)) === true;
    this.send(
      to,
      [
        `${method} ${options.uri ?? `sip:alice@${to.address}:${to.port}`} SIP/2.0`,
        `Via: SIP/2.0/UDP ${this.at.address}:${this.at.port};branch=${branch};rport`,
        `From: ${options.from ?? `"Peer" <${this.uri}>;tag=peer`}`,
        `To: ${options.to ?? '<sip:alice@example.com>'}`,
        `Call-ID: ${options.callId ?? `raw-${serial}@peer`}`,
        `CSeq: ${options.cseq ?? 1} ${method}`,
        'Max-Forwards: 70',
        ...(named ? [] : [`Contact: <${this.uri}>`]),
        ...(options.headers ?? []),
        ...(body === '' ? [] : [`Content-Type: ${type}`]),
      ],
      body,
    );
    return { branch };
  }
}

/** Waits for a promise while virtual time goes on. */
export async function settled<T>(what: string, promise: Promise<T>, ms?: number): Promise<T> {
  let over = false;
  const mark = (): void => {
    over = true;
  };
  promise.then(mark, mark);
  await eventually(what, () => over, ms);
  return promise;
}
