import { createSocket, type Socket } from 'node:dgram';
import { randomUUID } from 'node:crypto';
import { until, type MediaPeer } from '@offhook/test-sipp';
import type { LegState } from '../rig.ts';
import {
  header,
  headersOf,
  parse,
  render,
  sdp,
  tagOf,
  uriOf,
  type SipMessage,
} from './sip-text.ts';

/** One line of the phone's display. */
interface Leg {
  readonly callId: string;
  readonly local: string;
  remote: string;
  target: string;
  readonly incoming: boolean;
  state: LegState;
  cseq: number;
  version: number;
  /** What is to be answered, or was sent: for the final response, ACK and CANCEL. */
  invite: SipMessage | undefined;
  branch: string;
  /** Status of a call that was refused. */
  status: number;
}

export interface DeskPhoneOptions {
  readonly name: string;
  readonly port: number;
  /** The PBX's. */
  readonly pbxPort: number;
  /** Obeys NOTIFY with `Event: talk` and `Event: hold`, and the header that has it answer by itself. */
  readonly remoteControl?: boolean;
  /** Its sound; none if absent. */
  readonly media?: Pick<MediaPeer, 'port' | 'sendTo'>;
}

const T1_MS = 500;
const RETRANSMISSIONS = 8;

/**
 * A simulated desk phone: SIP over UDP, with sound where it is given some. It has lines like a hardware phone: a second call
 * puts the first on hold.
 */
export class DeskPhone {
  readonly name: string;
  readonly #options: DeskPhoneOptions;
  readonly #socket: Socket;
  readonly #legs = new Map<string, Leg>();
  /** Final responses, for retransmitted requests. */
  readonly #answers = new Map<string, string>();
  /** The message lamp, as the last message summary said. */
  messageWaiting = false;
  readonly digits: string[] = [];
  #retransmitting: NodeJS.Timeout | undefined;

  private constructor(options: DeskPhoneOptions, socket: Socket) {
    this.name = options.name;
    this.#options = options;
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(parse(data.toString('utf8'))));
  }

  static async start(options: DeskPhoneOptions): Promise<DeskPhone> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(options.port, '127.0.0.1', resolve));
    return new DeskPhone(options, socket);
  }

  /** Living calls, oldest first. */
  get legs(): readonly Leg[] {
    return [...this.#legs.values()].filter(({ state }) => state !== 'over');
  }

  /** Waits until a call is in that state. */
  leg(state: LegState, within = 5000): Promise<Leg> {
    return until(
      `${this.name} to have a call ${state}`,
      () => this.legs.find((leg) => leg.state === state),
      { within, seen: () => `it has ${this.legs.map((leg) => leg.state).join(', ') || 'none'}` },
    );
  }

  async idle(within = 5000): Promise<void> {
    await until(`${this.name} to be idle`, () => this.legs.length === 0, {
      within,
      seen: () => this.legs.map((leg) => leg.state).join(', '),
    });
  }

  dial(to: string): Leg {
    const leg = this.#newLeg({ callId: randomUUID(), incoming: false });
    leg.target = `sip:${to}@127.0.0.1:${this.#options.pbxPort}`;
    leg.remote = `<${leg.target}>`;
    this.#invite(leg, 'sendrecv');
    return leg;
  }

  answer(leg: Leg): void {
    for (const other of this.legs) if (other !== leg && other.state === 'up') this.hold(other);
    if (leg.invite !== undefined) {
      this.#respond(leg.invite, 200, 'OK', leg);
      this.#listen(leg.invite);
    }
    leg.state = 'up';
  }

  reject(leg: Leg, status = 486): void {
    if (leg.invite !== undefined) this.#respond(leg.invite, status, 'Busy Here', leg);
    leg.state = 'over';
  }

  hangUp(leg: Leg): void {
    if (leg.state === 'ringing') this.reject(leg);
    else if (leg.state === 'calling') this.#send(leg, 'CANCEL', leg.branch);
    else this.#send(leg, 'BYE');
    leg.state = 'over';
  }

  hold(leg: Leg): void {
    leg.state = 'held';
    this.#invite(leg, 'sendonly');
  }

  retrieve(leg: Leg): void {
    leg.state = 'up';
    this.#invite(leg, 'sendrecv');
  }

  /** Hands the far end of one call to that of another: REFER with Replaces (RFC 5589 §7). */
  transfer(held: Leg, active: Leg): void {
    const replaces = encodeURIComponent(
      `${active.callId};to-tag=${tagOf(active.remote)};from-tag=${tagOf(active.local)}`,
    );
    const target = active.target.split(';')[0] ?? '';
    this.#send(held, 'REFER', undefined, [['Refer-To', `<${target}?Replaces=${replaces}>`]]);
  }

  blindTransfer(leg: Leg, to: string): void {
    const target = `sip:${to}@127.0.0.1:${this.#options.pbxPort}`;
    this.#send(leg, 'REFER', undefined, [['Refer-To', `<${target}>`]]);
  }

  async close(): Promise<void> {
    clearInterval(this.#retransmitting);
    for (const leg of this.legs) this.hangUp(leg);
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #newLeg(parts: { callId: string; incoming: boolean; invite?: SipMessage }): Leg {
    const self = `sip:${this.name}@127.0.0.1:${this.#options.pbxPort}`;
    const tag = randomUUID().slice(0, 8);
    const leg: Leg = {
      callId: parts.callId,
      local: `${parts.invite === undefined ? `<${self}>` : header(parts.invite, 'To')};tag=${tag}`,
      remote: parts.invite === undefined ? '' : header(parts.invite, 'From'),
      target: parts.invite === undefined ? '' : uriOf(header(parts.invite, 'Contact')),
      incoming: parts.incoming,
      state: parts.incoming ? 'ringing' : 'calling',
      cseq: 1,
      version: 1,
      invite: parts.invite,
      branch: '',
      status: 0,
    };
    this.#legs.set(parts.callId, leg);
    return leg;
  }

  #receive(message: SipMessage): void {
    // A keep-alive is no message.
    if (header(message, 'Call-ID') === '') return;
    const leg = this.#legs.get(header(message, 'Call-ID'));
    if (message.method === undefined) {
      if (leg !== undefined) this.#response(leg, message);
      return;
    }
    const answered = this.#answers.get(transaction(message));
    if (answered !== undefined && message.method !== 'ACK') this.#write(answered);
    else this.#request(leg, message);
  }

  #request(leg: Leg | undefined, message: SipMessage): void {
    switch (message.method ?? '') {
      case 'ACK':
        return;
      case 'INVITE':
        if (leg === undefined) this.#called(message);
        else this.#respond(message, 200, 'OK', leg);
        return;
      case 'CANCEL':
        this.#respond(message, 200, 'OK', leg);
        if (leg?.state === 'ringing') this.reject(leg, 487);
        return;
      case 'BYE':
        this.#respond(message, 200, 'OK', leg);
        if (leg !== undefined) leg.state = 'over';
        return;
      case 'NOTIFY':
        this.#respond(message, 200, 'OK', leg);
        this.#notified(leg, message);
        return;
      case 'INFO':
        this.#respond(message, 200, 'OK', leg);
        this.digits.push(/Signal=\s*(\S+)/.exec(message.body)?.[1] ?? '');
        return;
      default:
        this.#respond(message, 200, 'OK', leg);
    }
  }

  #called(invite: SipMessage): void {
    const leg = this.#newLeg({ callId: header(invite, 'Call-ID'), incoming: true, invite });
    this.#respond(invite, 180, 'Ringing', leg);
    const auto = headersOf(invite, 'Call-Info').some((one) => one.includes('answer-after=0'));
    if (auto) this.answer(leg);
  }

  #notified(leg: Leg | undefined, message: SipMessage): void {
    const event = header(message, 'Event');
    if (event === 'message-summary') {
      this.messageWaiting = message.body.includes('Messages-Waiting: yes');
    }
    if (this.#options.remoteControl !== true || leg === undefined) return;
    if (event === 'talk' && leg.state === 'ringing') this.answer(leg);
    else if (event === 'talk' && leg.state === 'held') this.retrieve(leg);
    else if (event === 'hold' && leg.state === 'up') this.hold(leg);
  }

  #response(leg: Leg, message: SipMessage): void {
    const method = header(message, 'CSeq').split(' ')[1];
    if (method === 'INVITE') clearInterval(this.#retransmitting);
    if (method !== 'INVITE' || message.status < 200) return;
    if (message.status < 300) {
      leg.remote = header(message, 'To');
      leg.target = uriOf(header(message, 'Contact'));
      if (leg.state === 'calling') leg.state = 'up';
      if (leg.state === 'up') this.#listen(message);
      this.#ack(leg, message);
      return;
    }
    this.#ack(leg, message, leg.branch);
    if (leg.state === 'calling') {
      leg.state = 'over';
      leg.status = message.status;
    }
  }

  /** It talks to whoever has sent this description. */
  #listen({ body }: SipMessage): void {
    const address = /^c=IN IP4 (\S+)/m.exec(body)?.[1];
    const port = Number(/^m=audio (\d+)/m.exec(body)?.[1] ?? 0);
    if (address !== undefined && port > 0) this.#options.media?.sendTo({ address, port });
  }

  get #mediaPort(): number {
    return this.#options.media?.port ?? this.#options.port;
  }

  #invite(leg: Leg, direction: 'sendrecv' | 'sendonly'): void {
    leg.branch = newBranch();
    const body = sdp(direction, leg.version++, this.#mediaPort);
    const sent = this.#send(leg, 'INVITE', leg.branch, [['Content-Type', 'application/sdp']], body);
    // Timers A and B of RFC 3261 §17.1.1.2, without the doubling.
    let left = RETRANSMISSIONS;
    clearInterval(this.#retransmitting);
    this.#retransmitting = setInterval(() => {
      if (left-- > 0) this.#write(sent);
      else clearInterval(this.#retransmitting);
    }, T1_MS);
  }

  #ack(leg: Leg, response: SipMessage, branch = newBranch()): void {
    const number = header(response, 'CSeq').split(' ')[0];
    const to: readonly [string, string] = ['To', header(response, 'To')];
    this.#write(
      render(
        `ACK ${leg.target} SIP/2.0`,
        [
          this.#via(branch),
          ['From', leg.local],
          to,
          ['Call-ID', leg.callId],
          ['CSeq', `${number} ACK`],
          ['Max-Forwards', '70'],
        ],
        '',
      ),
    );
  }

  #send(
    leg: Leg,
    method: string,
    branch = newBranch(),
    more: readonly (readonly [string, string])[] = [],
    body = '',
  ): string {
    const cseq = method === 'CANCEL' ? leg.cseq - 1 : leg.cseq++;
    const text = render(
      `${method} ${leg.target} SIP/2.0`,
      [
        this.#via(branch),
        ['From', leg.local],
        ['To', leg.remote],
        ['Call-ID', leg.callId],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', `<${this.#contact}>`],
        ['Max-Forwards', '70'],
        ...more,
      ],
      body,
    );
    this.#write(text);
    return text;
  }

  #respond(request: SipMessage, status: number, reason: string, leg: Leg | undefined): void {
    const invite = request.method === 'INVITE' && status === 200;
    const to = header(request, 'To');
    const tagged = tagOf(to) === '' ? (leg?.local ?? `${to};tag=none`) : to;
    const text = render(
      `SIP/2.0 ${status} ${reason}`,
      [
        ...headersOf(request, 'Via').map((via) => ['Via', via] as const),
        ...headersOf(request, 'Record-Route').map((one) => ['Record-Route', one] as const),
        ['From', header(request, 'From')],
        ['To', tagged],
        ['Call-ID', header(request, 'Call-ID')],
        ['CSeq', header(request, 'CSeq')],
        ['Contact', `<${this.#contact}>`],
        ...(invite ? [['Content-Type', 'application/sdp'] as const] : []),
      ],
      invite ? sdp('sendrecv', leg === undefined ? 1 : leg.version++, this.#mediaPort) : '',
    );
    if (status >= 200) this.#answers.set(transaction(request), text);
    this.#write(text);
  }

  get #contact(): string {
    return `sip:${this.name}@127.0.0.1:${this.#options.port}`;
  }

  #via(branch: string): readonly [string, string] {
    return ['Via', `SIP/2.0/UDP 127.0.0.1:${this.#options.port};branch=${branch}`];
  }

  #write(text: string): void {
    this.#socket.send(text, this.#options.pbxPort, '127.0.0.1');
  }
}

function transaction(message: SipMessage): string {
  return `${message.method} ${/branch=([^;]+)/.exec(header(message, 'Via'))?.[1] ?? ''}`;
}

function newBranch(): string {
  return `z9hG4bK${randomUUID()}`;
}
