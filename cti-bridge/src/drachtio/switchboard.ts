import { OffhookError } from '@offhook/common';
import type Srf from 'drachtio-srf';
import type { Dialog, SrfRequest, SrfResponse } from 'drachtio-srf';
import type { Fact } from '../model/facts.ts';
import type { EventCause } from '../model/terms.ts';
import { Leg } from './leg.ts';
import { BLACK_HOLE, directionOf, inactive } from './sdp.ts';
import { Requests } from './requests.ts';
import type { DrachtioSettings } from './settings.ts';

/** Why a call came to nothing, by the status of the response (RFC 3261 §21). */
const CAUSES: Readonly<Record<number, EventCause>> = {
  404: 'invalidNumber',
  408: 'callNotAnswered',
  480: 'callNotAnswered',
  486: 'busy',
  487: 'callCancelled',
  600: 'busy',
  603: 'busy',
};

/** Calls at a time; more are refused with 503. */
const MAX_LEGS = 10_000;

/**
 * A back-to-back user agent (RFC 7092) between the phones of a site and the rest: every call is two
 * dialogs, and whoever holds both can give either another partner by third-party call control
 * (RFC 3725), without the phones knowing of anything but re-INVITEs.
 */
export class Switchboard {
  readonly #srf: Srf;
  readonly #requests: Requests;
  readonly #settings: DrachtioSettings;
  readonly #tell: (facts: readonly Fact[]) => void;
  readonly #legs = new Map<string, Leg>();

  constructor(srf: Srf, settings: DrachtioSettings, tell: (facts: readonly Fact[]) => void) {
    this.#srf = srf;
    this.#requests = new Requests(srf);
    this.#settings = settings;
    this.#tell = tell;
  }

  get legs(): readonly Leg[] {
    return [...this.#legs.values()];
  }

  leg(key: string): Leg | undefined {
    return this.#legs.get(key);
  }

  inCall(call: string): readonly Leg[] {
    return this.legs.filter((leg) => leg.call === call);
  }

  /** Everything is over: the server is gone, and with it every dialog. */
  clear(): void {
    this.#legs.clear();
  }

  /** A phone, or the other side of the trunk, calls. */
  async incoming(req: SrfRequest, res: SrfResponse): Promise<void> {
    if (this.#legs.size >= MAX_LEGS) {
      res.send(503);
      return;
    }
    const from = userOf(req.getParsedHeader('From').uri);
    const caller = this.#newLeg({ number: from, role: 'calling' });
    this.#tell([caller.fact(), caller.become('connected')]);
    req.on('cancel', () => this.#end(caller, 'callCancelled'));
    try {
      const called = await this.#ring(caller, userOf(req.uri), req.body);
      const localSdp = called.dialog?.remote.sdp ?? '';
      this.#answered(caller, await this.#srf.createUAS(req, res, { localSdp }));
      this.#tell([called.become('connected')]);
    } catch (error) {
      const status = statusOf(error);
      if (status !== 487) res.send(status);
      this.#end(caller, CAUSES[status] ?? 'destNotObtainable');
    }
  }

  /** Has a phone call: it is called first, and answers by itself where it can. */
  async make(device: string, to: string): Promise<Leg> {
    const caller = this.#newLeg({ number: device, role: 'calling' });
    this.#tell([caller.fact()]);
    const uri = this.#uriOf(device);
    const headers = this.#autoAnswer;
    if (this.#settings.flow === 'I') {
      const { offer, ack } = await this.#requests.inviteWithoutOffer(caller, uri, headers);
      this.#tell([caller.become('connected')]);
      void this.#ringAcknowledged(caller, to, offer, ack).catch((error: unknown) =>
        this.#failed(caller, error),
      );
      return caller;
    }
    const options = { localSdp: BLACK_HOLE, headers };
    this.#answered(caller, await this.#requests.invite(caller, uri, options));
    this.#tell([caller.become('connected')]);
    void this.#ringAnswered(caller, to).catch((error: unknown) => this.#failed(caller, error));
    return caller;
  }

  /** Both wait, without sound. */
  async hold(leg: Leg): Promise<void> {
    const far = farEnd(leg);
    const [mine, theirs] = [talking(leg), talking(far)];
    await mine.modify(inactive(theirs.remote.sdp));
    await theirs.modify(inactive(mine.remote.sdp));
    this.#tell([leg.become('hold')]);
  }

  async retrieve(leg: Leg): Promise<void> {
    await this.connect(leg, farEnd(leg));
    this.#tell([leg.become('connected')]);
  }

  /** Two parties who have answered get each other's descriptions (RFC 3725 §4.1, within dialogs). */
  async connect(one: Leg, two: Leg): Promise<void> {
    const { sdp, ack } = offered(await talking(one).modify({ noAck: true }));
    ack(await talking(two).modify(sdp));
    one.other = two;
    two.other = one;
  }

  async transfer(held: Leg, active: Leg): Promise<void> {
    const [first, second] = [farEnd(held), farEnd(active)];
    await this.connect(first, second);
    const [into, from] = [held.call, active.call];
    for (const leg of this.inCall(from)) leg.call = into;
    this.#tell([{ kind: 'merged', from, into, reason: 'transfer', by: held.device }]);
    for (const leg of [held, active]) {
      leg.other = undefined;
      this.hangUp(leg);
    }
  }

  /** The far end is given somebody else to talk to, who rings first. */
  handOn(leg: Leg, to: string): void {
    const far = farEnd(leg);
    leg.other = undefined;
    far.other = undefined;
    this.#tell([{ kind: 'transferred', call: leg.call, by: leg.device }]);
    this.hangUp(leg, 'singleStepTransfer');
    void this.#ringAnswered(far, to).catch((error: unknown) => this.#failed(far, error));
  }

  /** A call that rings goes on to another place. */
  divert(leg: Leg, to: string, cause: EventCause): void {
    leg.divertTo = { to, cause };
    leg.inviting?.cancel(() => undefined);
  }

  /** A digit for the far end, as INFO has it (application/dtmf-relay). */
  async info(leg: Leg, digit: string): Promise<void> {
    await talking(farEnd(leg)).request({
      method: 'INFO',
      headers: { 'Content-Type': 'application/dtmf-relay' },
      body: `Signal=${digit}\r\nDuration=160\r\n`,
    } as unknown as SrfRequest);
  }

  /** A message summary that nobody has asked for (RFC 3842). */
  notify(uri: string, body: string): Promise<void> {
    return this.#requests.notify(uri, body);
  }

  hangUp(leg: Leg, cause: EventCause = 'normalClearing'): void {
    leg.inviting?.cancel(() => undefined);
    if (leg.dialog !== undefined) bye(leg.dialog);
    this.#end(leg, cause);
  }

  /** Lets somebody ring for a caller who has not been answered; resolves once somebody has, untold. */
  async #ring(caller: Leg, to: string, offer: string, headers = {}): Promise<Leg> {
    const called = this.#newLeg({ call: caller.call, number: to, role: 'called' });
    pair(caller, called);
    try {
      const dialog = await this.#requests.invite(
        called,
        this.#uriOf(to),
        { localSdp: offer, headers },
        () => this.#tell([called.fact()]),
      );
      this.#answered(called, dialog);
      return called;
    } catch (error) {
      const next = this.#over(called, error);
      if (next === undefined || caller.isOver) throw error;
      const isPickup = next.cause === 'callPickup';
      return this.#ring(caller, next.to, offer, isPickup ? this.#autoAnswer : {});
    }
  }

  /** The same for a caller who has answered, and waits for the ACK (flow I). */
  async #ringAcknowledged(
    caller: Leg,
    to: string,
    offer: string,
    ack: (answer: string) => Promise<Dialog>,
  ): Promise<void> {
    const called = await this.#ring(caller, to, offer);
    this.#answered(caller, await ack(called.dialog?.remote.sdp ?? ''));
    this.#tell([called.become('connected')]);
  }

  /** The same for a party who has answered: it gets the offer of whoever is found (flow IV). */
  async #ringAnswered(caller: Leg, to: string, headers = {}): Promise<void> {
    const called = this.#newLeg({ call: caller.call, number: to, role: 'called' });
    pair(caller, called);
    try {
      const uri = this.#uriOf(to);
      const { offer, ack } = await this.#requests.inviteWithoutOffer(called, uri, headers, () =>
        this.#tell([called.fact()]),
      );
      this.#answered(called, await ack(await talking(caller).modify(offer)));
      this.#tell([called.become('connected')]);
    } catch (error) {
      const next = this.#over(called, error);
      if (next === undefined || caller.isOver) throw error;
      await this.#ringAnswered(
        caller,
        next.to,
        next.cause === 'callPickup' ? this.#autoAnswer : {},
      );
    }
  }

  /** Tells that it rings no more; gives where the call goes instead. */
  #over(called: Leg, error: unknown): Leg['divertTo'] {
    this.#legs.delete(called.key);
    if (called.isOver) return undefined;
    const { divertTo } = called;
    const cause = divertTo?.cause ?? CAUSES[statusOf(error)] ?? 'destNotObtainable';
    const failed = divertTo === undefined && cause !== 'callCancelled';
    const facts = failed ? [called.fact(), called.become('fail', cause)] : [];
    this.#tell([...facts, called.end(cause, divertTo !== undefined)]);
    return divertTo;
  }

  #answered(leg: Leg, dialog: Dialog): void {
    leg.dialog = dialog;
    if (leg.isOver) {
      bye(dialog);
      return;
    }
    dialog.on('destroy', () => {
      leg.dialog = undefined;
      this.#end(leg, 'normalClearing');
    });
    dialog.on('modify', (req: SrfRequest, res: SrfResponse) => void this.#modified(leg, req, res));
    dialog.on('refer', (req: SrfRequest, res: SrfResponse) => {
      res.send(202);
      void this.#referred(leg, req).catch((error: unknown) => this.#failed(leg, error));
    });
    for (const method of ['info', 'message'] as const) {
      dialog.on(method as 'info', (_req: SrfRequest, res: SrfResponse) => res.send(200));
    }
  }

  /** A phone changes its session itself: to hold, in most cases. */
  async #modified(leg: Leg, req: SrfRequest, res: SrfResponse): Promise<void> {
    try {
      const body = await talking(farEnd(leg)).modify(req.body);
      res.send(200, { body });
      const now = directionOf(req.body) === 'sendrecv' ? 'connected' : 'hold';
      if (leg.state !== now) this.#tell([leg.become(now)]);
    } catch (error) {
      res.send(statusOf(error));
    }
  }

  /** A phone transfers by itself: with Replaces it names the other one of its two calls. */
  async #referred(leg: Leg, req: SrfRequest): Promise<void> {
    const uri = /<([^>]+)>/.exec(req.get('Refer-To'))?.[1] ?? req.get('Refer-To');
    const replaces = /[?&]Replaces=([^&]+)/i.exec(uri)?.[1];
    if (replaces === undefined) {
      this.handOn(leg, userOf(uri));
      return;
    }
    const [callId] = decodeURIComponent(replaces).split(';');
    const active = this.legs.find(({ dialog }) => dialog?.sip.callId === callId);
    if (active !== undefined) await this.transfer(leg, active);
  }

  #failed(caller: Leg, error: unknown): void {
    if (!caller.isOver) this.hangUp(caller, CAUSES[statusOf(error)] ?? 'destNotObtainable');
  }

  #end(leg: Leg, cause: EventCause): void {
    if (leg.isOver) return;
    this.#legs.delete(leg.key);
    const { other } = leg;
    this.#tell([leg.end(cause)]);
    leg.other = undefined;
    if (other === undefined || other.isOver) return;
    other.other = undefined;
    this.hangUp(other, cause);
  }

  #newLeg(parts: { call?: string; number: string; role: 'calling' | 'called' }): Leg {
    const device = parts.number in this.#settings.phones ? parts.number : undefined;
    const leg = new Leg({ name: this.#settings.name, device, ...parts });
    this.#legs.set(leg.key, leg);
    return leg;
  }

  #uriOf(number: string): string {
    const { phones, dial_uri: rest } = this.#settings;
    return phones[number] ?? rest.replace('{number}', number);
  }

  get #autoAnswer(): Record<string, string> {
    const [name = '', value = ''] = this.#settings.auto_answer_header.split(/: (.*)/);
    return { [name]: value };
  }
}

function pair(one: Leg, two: Leg): void {
  one.other = two;
  two.other = one;
}

/** @throws OffhookError `cti` `invalid-state` */
function farEnd({ key, other }: Leg): Leg {
  if (other !== undefined) return other;
  throw new OffhookError('cti', 'invalid-state', `nobody else is connected with ${key}`);
}

/** @throws OffhookError `cti` `invalid-state` */
function talking({ key, dialog }: Leg): Dialog {
  if (dialog !== undefined) return dialog;
  throw new OffhookError('cti', 'invalid-state', `${key} has not been answered`);
}

function offered(answer: unknown): { sdp: string; ack: (sdp: string) => void } {
  return answer as { sdp: string; ack: (sdp: string) => void };
}

/** The answer to it changes nothing; the far end may have gone by itself. */
function bye(dialog: Dialog): void {
  dialog.destroy({ headers: {} }, () => undefined);
}

function userOf(uri: string): string {
  return /^sips?:([^@;?]+)@/i.exec(uri)?.[1] ?? '';
}

function statusOf(error: unknown): number {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? error.status : 0;
  return typeof status === 'number' && status >= 300 && status < 700 ? status : 500;
}
