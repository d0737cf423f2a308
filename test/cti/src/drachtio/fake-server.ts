import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import {
  header,
  headersOf,
  parse,
  render,
  tagOf,
  uriOf,
  type SipMessage,
} from '../phone/sip-text.ts';

export const SECRET = 'cymru';

/** A dialog that the server keeps for its application. */
interface Dialog {
  readonly id: string;
  readonly callId: string;
  readonly local: string;
  remote: string;
  target: string;
  cseq: number;
  /** Of the INVITE under way, for ACK and CANCEL. */
  inviteCseq: number;
  inviteBranch: string;
}

/** Headers that the stack writes, whatever an application says. */
const OWN = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'contact',
  'max-forwards',
  'content-length',
]);

/**
 * A small drachtio-server: it speaks to its application as the real one does (drachtio-srf's
 * wire-protocol.js is the other half) and carries real SIP over UDP to and from phones. It was made from
 * the client's source and the documentation, because drachtio-server is in no Debian.
 */
export class FakeDrachtio {
  readonly #server: Server;
  readonly #udp: UdpSocket;
  #application: Socket | undefined;
  #connected = 0;
  readonly #dialogs = new Map<string, Dialog>();
  /** Requests from phones that are not answered yet, by transaction. */
  readonly #asked = new Map<string, { request: SipMessage; dialog: Dialog; port: number }>();
  /** Requests of ours, by branch. */
  readonly #sent = new Map<string, Dialog>();

  private constructor(server: Server, udp: UdpSocket) {
    this.#server = server;
    this.#udp = udp;
    server.on('connection', (socket) => this.#attach(socket));
    udp.on('message', (data, from) => {
      const message = parse(data.toString('utf8'));
      if (header(message, 'Call-ID') === '') return;
      if (message.method === undefined) this.#response(message);
      else this.#request(message, from.port);
    });
  }

  static async start(sipPort: number): Promise<FakeDrachtio> {
    const udp = createSocket('udp4');
    udp.bind(sipPort, '127.0.0.1');
    await once(udp, 'listening');
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeDrachtio(server, udp);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get sipPort(): number {
    return this.#udp.address().port;
  }

  /** Applications that have connected so far. */
  get connected(): number {
    return this.#connected;
  }

  /** As when the server is restarted. */
  dropApplication(): void {
    this.#dialogs.clear();
    this.#asked.clear();
    this.#application?.destroy();
  }

  async close(): Promise<void> {
    this.#application?.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
  }

  #attach(socket: Socket): void {
    this.#application = socket;
    this.#connected += 1;
    socket.on('error', () => undefined);
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (let at = held.indexOf('#'); at > 0; at = held.indexOf('#')) {
        const end = at + 1 + Number(held.subarray(0, at).toString());
        if (held.length < end) return;
        this.#command(held.subarray(at + 1, end).toString('utf8'));
        held = held.subarray(end);
      }
    });
  }

  /** `<length>#<uuid>|<words>`, a line end, and a SIP message where there is one. */
  #say(words: readonly string[], message = ''): void {
    const text = `${randomUUID()}|${words.join('|')}${message === '' ? '' : `\r\n${message}`}`;
    this.#application?.write(`${Buffer.byteLength(text)}#${text}`);
  }

  #command(text: string): void {
    const end = text.indexOf('\r\n');
    const line = end < 0 ? text : text.slice(0, end);
    const [id = '', verb = '', first = '', second = ''] = line.split('|');
    switch (verb) {
      case 'authenticate':
        if (first === SECRET)
          this.#say(['response', id, 'OK', `127.0.0.1:${this.sipPort}`, 'v0.8.26']);
        else this.#say(['response', id, 'NO']);
        return;
      case 'sip':
        this.#send(id, first, second, parse(text.slice(end + 2)));
        return;
      default:
        this.#say(['response', id, 'OK']);
    }
  }

  #send(id: string, transaction: string, dialogId: string, message: SipMessage): void {
    if (message.method === undefined) this.#answer(id, transaction, message);
    else if (message.method === 'CANCEL') this.#cancel(id, transaction);
    else this.#ask(id, dialogId, message);
  }

  /** A request of the application's. */
  #ask(id: string, dialogId: string, message: SipMessage): void {
    const method = message.method ?? '';
    const dialog = this.#dialogs.get(dialogId) ?? this.#newDialog(message.uri);
    if (dialogId !== '' && dialog.id !== dialogId) {
      this.#dialogs.delete(dialog.id);
      this.#say(['response', id, 'NOK', 'unable to find dialog']);
      return;
    }
    const branch = `z9hG4bK${randomUUID()}`;
    const cseq = method === 'ACK' ? dialog.inviteCseq : dialog.cseq++;
    if (method === 'INVITE') Object.assign(dialog, { inviteCseq: cseq, inviteBranch: branch });
    const text = this.#render(method, dialog, cseq, branch, message);
    if (method !== 'ACK') this.#sent.set(branch, dialog);
    this.#write(text, portOf(dialog.target));
    this.#echo(id, text, branch, dialog.id);
    if (method === 'BYE') this.#dialogs.delete(dialog.id);
  }

  #cancel(id: string, branch: string): void {
    const dialog = this.#sent.get(branch);
    if (dialog === undefined) {
      this.#say(['response', id, 'NOK', 'unable to find transaction']);
      return;
    }
    const nothing = { headers: [], body: '' };
    const text = this.#render('CANCEL', dialog, dialog.inviteCseq, branch, nothing);
    this.#write(text, portOf(dialog.target));
    this.#echo(id, text, branch, dialog.id);
  }

  /** The application's answer to a request from a phone. */
  #answer(id: string, transaction: string, message: SipMessage): void {
    const asked = this.#asked.get(transaction);
    if (asked === undefined) {
      this.#say(['response', id, 'NOK', 'unable to find transaction']);
      return;
    }
    const { request, dialog, port } = asked;
    const text = render(
      `SIP/2.0 ${message.status} ${message.status < 300 ? 'OK' : 'Refused'}`,
      [
        ...headersOf(request, 'Via').map((via) => ['Via', via] as const),
        ['From', header(request, 'From')],
        ['To', dialog.local],
        ['Call-ID', dialog.callId],
        ['CSeq', header(request, 'CSeq')],
        ['Contact', `<sip:127.0.0.1:${this.sipPort}>`],
        ...message.headers.filter(([name]) => !OWN.has(name.toLowerCase())),
        ...sdpType(message),
      ],
      message.body,
    );
    if (message.status >= 200) this.#asked.delete(transaction);
    this.#write(text, port);
    this.#echo(id, text, transaction, dialog.id);
  }

  #echo(id: string, text: string, transaction: string, dialogId: string): void {
    const meta = ['application', String(text.length), 'udp', '127.0.0.1', String(this.sipPort)];
    this.#say(['response', id, 'OK', ...meta, '0', transaction, dialogId], text);
  }

  /** A response from a phone. */
  #response(message: SipMessage): void {
    const branch = /branch=([^;\s]+)/.exec(header(message, 'Via'))?.[1] ?? '';
    const dialog = this.#sent.get(branch);
    const [number, method] = header(message, 'CSeq').split(' ');
    if (dialog === undefined || method === 'CANCEL') return;
    if (message.status > 100 && tagOf(dialog.remote) === '') dialog.remote = header(message, 'To');
    if (message.status >= 200 && message.status < 300 && method === 'INVITE') {
      dialog.target = uriOf(header(message, 'Contact'));
    }
    if (message.status >= 200) this.#sent.delete(branch);
    if (message.status >= 300 && method === 'INVITE') {
      const ack = this.#render('ACK', dialog, Number(number), branch, { headers: [], body: '' });
      this.#write(ack, portOf(dialog.target));
    }
    this.#network(again(message), branch, dialog.id);
  }

  /** A request from a phone. */
  #request(message: SipMessage, port: number): void {
    const callId = header(message, 'Call-ID');
    const known = [...this.#dialogs.values()].find((one) => one.callId === callId);
    const transaction = /branch=([^;\s]+)/.exec(header(message, 'Via'))?.[1] ?? '';
    if (this.#asked.has(transaction) && message.method !== 'CANCEL' && message.method !== 'ACK')
      return;
    if (message.method === 'CANCEL') {
      this.#cancelled(message, transaction, known, port);
      return;
    }
    const dialog = known ?? this.#dialogOf(message);
    if (message.method !== 'ACK') this.#asked.set(transaction, { request: message, dialog, port });
    this.#network(again(message), transaction, dialog.id);
    if (message.method === 'BYE') this.#dialogs.delete(dialog.id);
  }

  #cancelled(
    cancel: SipMessage,
    transaction: string,
    dialog: Dialog | undefined,
    port: number,
  ): void {
    const asked = this.#asked.get(transaction);
    if (asked === undefined || dialog === undefined) return;
    const reply = (request: SipMessage, status: string) =>
      this.#write(
        render(
          `SIP/2.0 ${status}`,
          [
            ...headersOf(request, 'Via').map((via) => ['Via', via] as const),
            ['From', header(request, 'From')],
            ['To', dialog.local],
            ['Call-ID', dialog.callId],
            ['CSeq', header(request, 'CSeq')],
          ],
          '',
        ),
        port,
      );
    reply(cancel, '200 OK');
    reply(asked.request, '487 Request Terminated');
    this.#asked.delete(transaction);
    this.#network(again(cancel), transaction, dialog.id);
  }

  #network(text: string, transaction: string, dialogId: string): void {
    const meta = ['network', String(text.length), 'udp', '127.0.0.1', '5060', '0'];
    this.#say(['sip', ...meta, transaction, dialogId], text);
  }

  #newDialog(uri: string): Dialog {
    return this.#keep({
      callId: randomUUID(),
      local: `<sip:offhook@127.0.0.1:${this.sipPort}>;tag=${randomUUID().slice(0, 8)}`,
      remote: `<${uri}>`,
      target: uri,
    });
  }

  #dialogOf(request: SipMessage): Dialog {
    return this.#keep({
      callId: header(request, 'Call-ID'),
      local: `${header(request, 'To')};tag=${randomUUID().slice(0, 8)}`,
      remote: header(request, 'From'),
      target: uriOf(header(request, 'Contact')),
    });
  }

  #keep(parts: Pick<Dialog, 'callId' | 'local' | 'remote' | 'target'>): Dialog {
    const dialog = { ...parts, id: randomUUID(), cseq: 1, inviteCseq: 1, inviteBranch: '' };
    this.#dialogs.set(dialog.id, dialog);
    return dialog;
  }

  #render(
    method: string,
    dialog: Dialog,
    cseq: number,
    branch: string,
    message: Pick<SipMessage, 'headers' | 'body'>,
  ): string {
    return render(
      `${method} ${dialog.target} SIP/2.0`,
      [
        ['Via', `SIP/2.0/UDP 127.0.0.1:${this.sipPort};branch=${branch}`],
        ['Max-Forwards', '70'],
        ['From', dialog.local],
        ['To', method === 'CANCEL' ? dialog.remote.replace(/;tag=.*/, '') : dialog.remote],
        ['Call-ID', dialog.callId],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', `<sip:127.0.0.1:${this.sipPort}>`],
        ...message.headers.filter(([name]) => !OWN.has(name.toLowerCase())),
        ...sdpType(message),
      ],
      message.body,
    );
  }

  #write(text: string, port: number): void {
    this.#udp.send(text, port, '127.0.0.1');
  }
}

/** drachtio-server says what a body without a type is, when it looks like a description. */
function sdpType({ headers, body }: Pick<SipMessage, 'headers' | 'body'>) {
  const named = headers.some(([name]) => name.toLowerCase() === 'content-type');
  return body.startsWith('v=0') && !named ? [['Content-Type', 'application/sdp'] as const] : [];
}

/** The message as text, as it came. */
function again({ method, uri, status, headers, body }: SipMessage): string {
  const first = method === undefined ? `SIP/2.0 ${status} x` : `${method} ${uri} SIP/2.0`;
  return render(
    first,
    headers.filter(([name]) => name.toLowerCase() !== 'content-length'),
    body,
  );
}

function portOf(uri: string): number {
  return Number(/:(\d+)/.exec(uri.replace(/^sips?:/, ''))?.[1] ?? 5060);
}
