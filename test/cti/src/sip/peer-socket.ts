import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { header, headersOf, parse, render, tagOf, type SipMessage } from '../phone/sip-text.ts';

/** One side of a dialog (RFC 3261 §12), or of what may become one. */
export interface Dialog {
  readonly callId: string;
  readonly local: { readonly uri: string; readonly tag: string };
  readonly remote: { readonly uri: string; tag: string };
  /** The far end's Contact. */
  target: string;
  cseq: number;
}

export function newDialog(local: string, remote: string): Dialog {
  return {
    callId: randomUUID(),
    local: { uri: local, tag: randomUUID().slice(0, 8) },
    remote: { uri: remote, tag: '' },
    target: remote,
    cseq: 1,
  };
}

export interface Message {
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** SIP over UDP between simulated phones on the loopback, each at the port in its URI. */
export class PeerSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #name: string;
  readonly #pending = new Map<string, (response: SipMessage) => void>();
  /** Final responses, for requests that come again. */
  readonly #answers = new Map<string, string>();

  private constructor(name: string, socket: Socket, onRequest: (request: SipMessage) => void) {
    this.#name = name;
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (data) => {
      const message = parse(data.toString('utf8'));
      if (message.method === undefined) {
        this.#pending.get(branchOf(message))?.(message);
        return;
      }
      const answered = this.#answers.get(transaction(message));
      if (answered === undefined || message.method === 'ACK') onRequest(message);
      else this.#write(answered, viaPort(message));
    });
  }

  static async open(name: string, onRequest: (request: SipMessage) => void): Promise<PeerSocket> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new PeerSocket(name, socket, onRequest);
  }

  get contact(): string {
    return `sip:${this.#name}@127.0.0.1:${this.port}`;
  }

  /** Sends a request; `onResponse` gets every response to it. Returns its branch. */
  request(
    method: string,
    dialog: Dialog,
    { headers = [], body = '' }: Message = {},
    onResponse: (response: SipMessage) => void = () => undefined,
  ): string {
    const branch = `z9hG4bK${randomUUID()}`;
    this.#pending.set(branch, onResponse);
    this.send(method, dialog, dialog.cseq++, branch, { headers, body });
    return branch;
  }

  /** For what belongs to a transaction that there is already: ACK and CANCEL. */
  send(
    method: string,
    { callId, local, remote, target }: Dialog,
    cseq: number,
    branch: string,
    { headers = [], body = '' }: Message = {},
  ): void {
    const text = render(
      `${method} ${target} SIP/2.0`,
      [
        ['Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch}`],
        ['From', `<${local.uri}>;tag=${local.tag}`],
        ['To', `<${remote.uri}>${remote.tag === '' ? '' : `;tag=${remote.tag}`}`],
        ['Call-ID', callId],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', `<${this.contact}>`],
        ['Max-Forwards', '70'],
        ...headers,
      ],
      body,
    );
    this.#write(text, Number(/:(\d+)/.exec(target.replace(/^sip:/, ''))?.[1] ?? 5060));
  }

  respond(
    request: SipMessage,
    status: number,
    tag: string,
    { headers = [], body = '' }: Message = {},
  ) {
    const to = header(request, 'To');
    const text = render(
      `SIP/2.0 ${status} ${REASONS[status] ?? 'OK'}`,
      [
        ...headersOf(request, 'Via').map((via) => ['Via', via] as const),
        ['From', header(request, 'From')],
        ['To', tagOf(to) === '' ? `${to};tag=${tag}` : to],
        ['Call-ID', header(request, 'Call-ID')],
        ['CSeq', header(request, 'CSeq')],
        ['Contact', `<${this.contact}>`],
        ...headers,
      ],
      body,
    );
    if (status >= 200) this.#answers.set(transaction(request), text);
    this.#write(text, viaPort(request));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #write(text: string, port: number): void {
    this.#socket.send(text, port, '127.0.0.1');
  }
}

const REASONS: Readonly<Record<number, string>> = {
  180: 'Ringing',
  202: 'Accepted',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
};

function branchOf(message: SipMessage): string {
  return /branch=([^;\s]+)/.exec(header(message, 'Via'))?.[1] ?? '';
}

function transaction(message: SipMessage): string {
  return `${message.method} ${branchOf(message)}`;
}

function viaPort(message: SipMessage): number {
  return Number(/^SIP\/2\.0\/UDP [^:;]+:(\d+)/.exec(header(message, 'Via'))?.[1] ?? 5060);
}
