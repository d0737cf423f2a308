import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

import { OffhookError } from '@offhook/common';

const HOST = '127.0.0.1';

export interface Target {
  readonly user: string;
  readonly port: number;
}

export interface ProbeCall {
  /** From the INVITE's last byte out to the 200's arrival, milliseconds. */
  readonly setupMs: number;
  /** The session description of the 200. */
  readonly answer: string;
  hangup(): Promise<void>;
}

interface Waiting {
  readonly method: string;
  resolve(answer: { text: string; at: number }): void;
  reject(error: Error): void;
}

/**
 * A caller that does as little as a call needs (RFC 3261 §13), so that what it measures is the
 * other side: over UDP on the loopback address, no retransmissions, no authentication.
 */
export class Uac {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #waiting = new Map<string, Waiting>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#port = socket.address().port;
    socket.on('message', (bytes) => this.#receive(bytes.toString('utf8')));
  }

  static async open(): Promise<Uac> {
    const socket = createSocket('udp4');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', reject);
    socket.bind(0, HOST, resolve);
    await promise;
    return new Uac(socket);
  }

  /** Calls; resolves when the call is answered and acknowledged. */
  async call(target: Target, offer: string, deadlineMs = 10_000): Promise<ProbeCall> {
    const callId = randomBytes(12).toString('hex');
    const tag = randomBytes(6).toString('hex');
    const uri = `sip:${target.user}@${HOST}:${target.port}`;
    const from = `<sip:probe@${HOST}:${this.#port}>;tag=${tag}`;
    const invite = this.#request('INVITE', uri, { callId, cseq: 1, from, to: `<${uri}>` }, offer);
    const sentAt = performance.now();
    const { text, at } = await this.#transact(callId, 'INVITE', invite, target.port, deadlineMs);
    const status = statusOf(text);
    const to = header(text, 'To') ?? '';
    const contact = /<([^>]+)>/.exec(header(text, 'Contact') ?? '')?.[1] ?? uri;
    const remotePort = Number(/:(\d+)(?:;|$)/.exec(contact)?.[1] ?? target.port);
    if (status !== 200) {
      this.#send(this.#request('ACK', uri, { callId, cseq: 1, from, to }, '', invite), target.port);
      throw new OffhookError('signaling', 'refused', `the call was refused with ${status}`);
    }
    this.#send(this.#request('ACK', contact, { callId, cseq: 1, from, to }), remotePort);
    return {
      setupMs: at - sentAt,
      answer: text.slice(text.indexOf('\r\n\r\n') + 4),
      hangup: async () => {
        const bye = this.#request('BYE', contact, { callId, cseq: 2, from, to });
        await this.#transact(callId, 'BYE', bye, remotePort, deadlineMs);
      },
    };
  }

  close(): void {
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new OffhookError('signaling', 'closed', 'the probe was closed'));
    }
    this.#socket.close();
  }

  #request(
    method: string,
    uri: string,
    dialog: { callId: string; cseq: number; from: string; to: string },
    body = '',
    sameBranchAs?: string,
  ): string {
    const branch =
      /;branch=([^;\r\n]+)/.exec(sameBranchAs ?? '')?.[1] ??
      `z9hG4bK${randomBytes(8).toString('hex')}`;
    const type = body === '' ? [] : ['Content-Type: application/sdp'];
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:${this.#port};branch=${branch}`,
      'Max-Forwards: 70',
      `From: ${dialog.from}`,
      `To: ${dialog.to}`,
      `Call-ID: ${dialog.callId}`,
      `CSeq: ${dialog.cseq} ${method}`,
      `Contact: <sip:probe@${HOST}:${this.#port}>`,
      ...type,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }

  async #transact(
    callId: string,
    method: string,
    message: string,
    port: number,
    deadlineMs: number,
  ): Promise<{ text: string; at: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ text: string; at: number }>();
    const key = `${callId} ${method}`;
    this.#waiting.set(key, { method, resolve, reject });
    const late = new OffhookError('signaling', 'timeout', `no answer to ${method}`);
    const timer = setTimeout(() => reject(late), deadlineMs);
    this.#send(message, port);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }

  #receive(text: string): void {
    const at = performance.now();
    if (!text.startsWith('SIP/2.0 ')) {
      this.#answer(text);
      return;
    }
    const method = header(text, 'CSeq')?.split(' ')[1] ?? '';
    if (statusOf(text) >= 200) {
      this.#waiting.get(`${header(text, 'Call-ID')} ${method}`)?.resolve({ text, at });
    }
  }

  /** Whatever the peer asks (OPTIONS, a refresh, BYE) is granted. */
  #answer(text: string): void {
    if (text.startsWith('ACK ')) return;
    const names = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];
    const lines = names.map((name) => `${name}: ${header(text, name) ?? ''}`);
    const port = Number(/^SIP\/2\.0\/UDP [^;:]+:(\d+)/.exec(header(text, 'Via') ?? '')?.[1]);
    const answer = ['SIP/2.0 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n');
    if (Number.isInteger(port)) this.#send(answer, port);
  }

  #send(message: string, port: number): void {
    this.#socket.send(message, port, HOST);
  }
}

function statusOf(text: string): number {
  return Number(text.slice(8, 11));
}

function header(text: string, name: string): string | undefined {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*([^\\r\\n]*)`, 'im').exec(text)?.[1];
}
