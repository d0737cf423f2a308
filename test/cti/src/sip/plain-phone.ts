import { randomUUID } from 'node:crypto';
import { until } from '@offhook/test-sipp';
import { header, sdp, tagOf, uriOf, type SipMessage } from '../phone/sip-text.ts';
import type { LegState, TestPhone } from '../rig.ts';
import { dialogOf, DialogEvents } from './dialog-events.ts';
import { newDialog, PeerSocket, type Dialog, type Message } from './peer-socket.ts';
import { PlainLeg } from './plain-leg.ts';

/**
 * A simulated phone without a PBX: SIP over UDP straight to other phones, no sound. It tells its dialog
 * events (RFC 4235) and obeys REFER (RFC 3515), Replaces (RFC 3891), Target-Dialog (RFC 4538) and
 * `Event: talk` and `hold` from whoever asks.
 */
export class PlainPhone implements TestPhone {
  readonly name: string;
  readonly digits: readonly string[] = [];
  messageWaiting = false;
  readonly #find: (name: string) => string;
  readonly #all = new Map<string, PlainLeg>();
  #socket!: PeerSocket;
  #events!: DialogEvents;

  private constructor(name: string, find: (name: string) => string) {
    this.name = name;
    this.#find = find;
  }

  /** @param find the URI of another phone */
  static async start(name: string, find: (name: string) => string): Promise<PlainPhone> {
    const phone = new PlainPhone(name, find);
    phone.#socket = await PeerSocket.open(name, (request) => phone.#request(request));
    phone.#events = new DialogEvents(phone.#socket);
    return phone;
  }

  get uri(): string {
    return this.#socket.contact;
  }

  get legs(): readonly PlainLeg[] {
    return [...this.#all.values()].filter(({ state }) => state !== 'over');
  }

  leg(state: LegState, within = 5000): Promise<PlainLeg> {
    return until(
      `${this.name} to have a call ${state}`,
      () => this.legs.find((leg) => leg.state === state),
      { within, seen: () => `it has ${this.legs.map((leg) => leg.state).join(', ') || 'none'}` },
    );
  }

  async idle(within = 5000): Promise<void> {
    await until(`${this.name} to be idle`, () => this.legs.length === 0, { within });
  }

  dial(to: string): PlainLeg {
    return this.#call(this.#find(to));
  }

  answer(leg: PlainLeg): void {
    this.#holdOthers(leg);
    if (leg.invite !== undefined)
      this.#socket.respond(leg.invite, 200, leg.dialog.local.tag, OFFER);
    this.#become(leg, 'up');
  }

  hangUp(leg: PlainLeg): void {
    if (leg.state === 'over') return;
    if (leg.invite !== undefined && leg.state === 'ringing') {
      this.#socket.respond(leg.invite, 486, leg.dialog.local.tag);
      leg.status = 486;
    } else if (leg.state === 'calling') {
      const open = { ...leg.dialog, remote: { ...leg.dialog.remote, tag: '' } };
      this.#socket.send('CANCEL', open, 1, leg.branch);
    } else this.#socket.request('BYE', leg.dialog);
    this.#become(leg, 'over');
  }

  hold(leg: PlainLeg): void {
    this.#renew(leg, 'sendonly');
    this.#become(leg, 'held');
  }

  retrieve(leg: PlainLeg): void {
    this.#holdOthers(leg);
    this.#renew(leg, 'sendrecv');
    this.#become(leg, 'up');
  }

  /** REFER with Replaces (RFC 5589 §7). */
  transfer(held: PlainLeg, { dialog: { callId, remote, local, target } }: PlainLeg): void {
    const replaces = encodeURIComponent(`${callId};to-tag=${remote.tag};from-tag=${local.tag}`);
    const headers = [['Refer-To', `<${target}?Replaces=${replaces}>`] as const];
    this.#socket.request('REFER', held.dialog, { headers });
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  #call(
    target: string,
    more: { replaces?: string; referredBy?: string; insteadOf?: PlainLeg } = {},
  ) {
    const leg = new PlainLeg(newDialog(this.uri, target));
    leg.referredBy = more.referredBy;
    this.#holdOthers(leg);
    this.#all.set(leg.dialog.callId, leg);
    const replaces = more.replaces === undefined ? [] : [['Replaces', more.replaces] as const];
    const message = { ...OFFER, headers: [...OFFER.headers, ...replaces] };
    leg.branch = this.#socket.request('INVITE', leg.dialog, message, (response) =>
      this.#invited(leg, response, more.insteadOf),
    );
    this.#tell();
    return leg;
  }

  #invited(leg: PlainLeg, response: SipMessage, insteadOf: PlainLeg | undefined): void {
    const { dialog } = leg;
    const cseq = Number(header(response, 'CSeq').split(' ')[0]);
    if (response.status > 100) dialog.remote.tag = tagOf(header(response, 'To'));
    if (response.status >= 200) {
      if (response.status < 300) dialog.target = uriOf(header(response, 'Contact'));
      const branch = response.status < 300 ? `z9hG4bK${randomUUID()}` : leg.branch;
      this.#socket.send('ACK', dialog, cseq, branch);
    }
    if (leg.state !== 'calling') return;
    if (response.status >= 300) {
      leg.status = response.status;
      this.#become(leg, 'over');
    } else if (response.status >= 200) {
      this.#become(leg, 'up');
      if (insteadOf !== undefined) this.hangUp(insteadOf);
    } else this.#tell();
  }

  #request(request: SipMessage): void {
    const leg = this.#all.get(header(request, 'Call-ID'));
    const tag = leg?.dialog.local.tag ?? 'none';
    switch (request.method ?? '') {
      case 'ACK':
        return;
      case 'SUBSCRIBE':
        this.#events.subscribe(request, this.legs);
        return;
      case 'INVITE':
        if (leg === undefined) this.#called(request);
        else this.#socket.respond(request, 200, tag, OFFER);
        return;
      case 'CANCEL':
        this.#socket.respond(request, 200, tag);
        if (leg?.invite === undefined || leg.state !== 'ringing') return;
        this.#socket.respond(leg.invite, 487, tag);
        leg.status = 487;
        this.#become(leg, 'over');
        return;
      case 'BYE':
        this.#socket.respond(request, 200, tag);
        if (leg !== undefined) this.#become(leg, 'over');
        return;
      case 'REFER':
        this.#socket.respond(request, 202, tag);
        this.#referred(request, leg ?? this.#meant(request));
        return;
      case 'NOTIFY':
        this.#socket.respond(request, 200, tag);
        this.#notified(request);
        return;
      default:
        this.#socket.respond(request, 200, tag);
    }
  }

  #called(invite: SipMessage): void {
    const leg = new PlainLeg(dialogOf(invite), invite);
    this.#all.set(leg.dialog.callId, leg);
    const [callId = ''] = header(invite, 'Replaces').split(';');
    const replaced = this.#all.get(callId);
    if (callId === '') {
      this.#socket.respond(invite, 180, leg.dialog.local.tag);
      this.#tell();
    } else if (replaced === undefined || replaced.state === 'over') {
      this.#socket.respond(invite, 481, leg.dialog.local.tag);
      leg.state = 'over';
    } else {
      leg.replaces = replaced.dialog;
      this.answer(leg);
      this.hangUp(replaced);
    }
  }

  /** Asked to call somebody, to hand a call over, or to end it (`method=BYE`). */
  #referred(request: SipMessage, leg: PlainLeg | undefined): void {
    const to = uriOf(header(request, 'Refer-To'));
    const [target = '', headers = ''] = to.split('?');
    if (target.includes(';method=BYE')) {
      if (leg !== undefined) this.hangUp(leg);
      return;
    }
    const replaces = /^Replaces=(.*)$/.exec(headers)?.[1];
    const by = header(request, 'Referred-By');
    this.#call(target, {
      referredBy: uriOf(by === '' ? header(request, 'From') : by),
      ...(replaces === undefined ? {} : { replaces: decodeURIComponent(replaces) }),
      ...(leg === undefined ? {} : { insteadOf: leg }),
    });
  }

  #notified(request: SipMessage): void {
    const event = header(request, 'Event');
    const leg = this.#meant(request);
    if (event === 'message-summary') {
      this.messageWaiting = request.body.includes('Messages-Waiting: yes');
    } else if (leg === undefined) return;
    else if (event === 'hold' && leg.state === 'up') this.hold(leg);
    else if (event === 'talk' && leg.state === 'held') this.retrieve(leg);
    else if (event === 'talk' && leg.state === 'ringing') this.answer(leg);
  }

  /** The call that a request from outside of it names; both tags have to be right (RFC 4538 §4). */
  #meant(request: SipMessage): PlainLeg | undefined {
    const [callId = '', ...tags] = header(request, 'Target-Dialog').split(';');
    const leg = this.#all.get(callId);
    const named = (name: string, { tag }: Dialog['local']) => tags.includes(`${name}-tag=${tag}`);
    if (leg === undefined || leg.state === 'over') return undefined;
    const { local, remote } = leg.dialog;
    return named('local', local) && named('remote', remote) ? leg : undefined;
  }

  #holdOthers(leg: PlainLeg): void {
    for (const other of this.legs) if (other !== leg && other.state === 'up') this.hold(other);
  }

  #renew(leg: PlainLeg, direction: 'sendonly' | 'sendrecv'): void {
    const message = { ...OFFER, body: sdp(direction, leg.dialog.cseq, 9) };
    this.#socket.request('INVITE', leg.dialog, message, (response) =>
      this.#invited(leg, response, undefined),
    );
  }

  #become(leg: PlainLeg, state: LegState): void {
    if (leg.state === 'over') return;
    leg.state = state;
    this.#tell();
    if (state === 'over') this.#all.delete(leg.dialog.callId);
  }

  #tell(): void {
    this.#events.changed([...this.#all.values()]);
  }
}

const OFFER = {
  headers: [['Content-Type', 'application/sdp']],
  body: sdp('sendrecv', 1, 9),
} as const satisfies Message;
