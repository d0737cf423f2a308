import { OffhookError, type Clock, type Timer } from '@offhook/common';
import type { AttemptEnd, ClientTransactions } from './client-transactions.ts';
import { headerValue, type RequestHead, type ResponseHead } from './head.ts';
import type { Hop, Ways } from './ways.ts';
import { renderAck, replaceVias, withVias } from './render.ts';
import type { SipTimers } from './timers.ts';
import { viaFor, type Wire } from './wire.ts';

export interface CourseOptions {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly clients: ClientTransactions;
  readonly ways: Ways;
  /** The branch of the n-th attempt. */
  readonly branch: (attempt: number) => string;
  /** Every target failed after `run` had resolved. */
  readonly onFailure: (error: unknown) => void;
  /** It is over and no transaction of it is left. */
  readonly onDone: () => void;
}

/** An attempt that was made: an INVITE may still be answered there after we went elsewhere. */
interface Leg {
  readonly branch: string;
  readonly hop: Hop;
  readonly wire: Wire;
  readonly via: string;
  /** The first copy is not out yet; whoever waits for that deals with a failure. */
  starting: boolean;
}

/** How long a target is put behind the others, in ms. */
const DEMOTE_FAILED = 60_000;
const DEMOTE_BUSY = 30_000;

/**
 * One request of sip.js on its way through the targets that RFC 3263 found: the next one is
 * tried when sending fails, nothing answers, or the answer is 503 (§4.3), each with a branch of
 * its own. sip.js sees one transaction.
 */
export class Course {
  readonly head: RequestHead;
  /** The Via that sip.js wrote, put back into what it receives. */
  readonly coreVia: string;
  readonly #text: string;
  readonly #options: CourseOptions;
  readonly #legs: Leg[] = [];
  readonly #live = new Set<Leg>();
  #hops: Hop[] = [];
  #tried = 0;
  #cancelled = false;
  #answered = false;
  #over = false;
  #patience: Timer | undefined;

  constructor(head: RequestHead, text: string, options: CourseOptions) {
    this.head = head;
    this.coreVia = headerValue(head, 'via') ?? '';
    this.#text = text;
    this.#options = options;
  }

  /** The branches on the wire so far, the current one last. */
  get branches(): readonly string[] {
    return this.#legs.map(({ branch }) => branch);
  }

  /** Whether nothing more can come of it. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends to the first target that takes it; rejects when none does. */
  async run(hops: readonly Hop[]): Promise<void> {
    this.#hops = [...hops];
    await this.#tryNext(new OffhookError('signaling', 'no-route', 'there is nowhere to send to'));
  }

  /** Where the current attempt went; CANCEL and ACK follow it. */
  current(): { readonly wire: Wire; readonly via: string; readonly branch: string } | undefined {
    return this.#legs.at(-1);
  }

  /** A CANCEL leaves: no other target will be tried. */
  cancel(): void {
    this.#cancelled = true;
    this.#patience?.cancel();
  }

  /** Whether sip.js gets this response; if not, it has been dealt with. */
  take(branch: string, response: ResponseHead): boolean {
    const leg = this.#legs.find((one) => one.branch === branch);
    const current = leg !== undefined && leg === this.#legs.at(-1);
    const { status } = response;
    if (leg === undefined) return false;
    if (!current) {
      // An older target woke up: a call that it set up must be known, to be ended.
      if (this.head.method === 'INVITE' && status >= 300) this.#acknowledge(leg, response);
      return this.head.method === 'INVITE' && status >= 200 && status < 300;
    }
    this.#patience?.cancel();
    this.#answered = true;
    const { ways } = this.#options;
    if (status === 503 && this.#mayGoOn()) {
      if (this.head.method === 'INVITE') this.#acknowledge(leg, response);
      ways.demote(leg.hop, retryAfter(response) ?? DEMOTE_BUSY);
      this.#goOn(new OffhookError('signaling', 'busy', 'the server has no capacity'));
      return false;
    }
    if (status === 503) ways.demote(leg.hop, retryAfter(response) ?? DEMOTE_BUSY);
    else ways.restore(leg.hop);
    if (status >= 200) {
      this.#over = true;
      this.#finish();
    }
    return true;
  }

  /** Gives up without a word; for when the layer closes. */
  abandon(): void {
    this.#over = true;
    this.#patience?.cancel();
  }

  #mayGoOn(): boolean {
    return !this.#over && !this.#cancelled && this.#tried < this.#hops.length;
  }

  async #tryNext(before: unknown): Promise<void> {
    let last = before;
    while (!this.#over && this.#tried < this.#hops.length) {
      const hop = this.#hops[this.#tried++];
      if (hop === undefined) break;
      try {
        const wire = await this.#options.ways.open(hop);
        if (this.#over) return;
        await this.#attempt(hop, wire);
        // Over TCP because of its size, it need not go to the same place over UDP any more.
        if (hop.upgraded === true) this.#hops.splice(this.#tried, 1);
        return;
      } catch (error) {
        last = error;
        this.#options.ways.failed(hop, DEMOTE_FAILED);
      }
    }
    this.#over = true;
    throw last;
  }

  async #attempt(hop: Hop, wire: Wire): Promise<void> {
    const { clients, ways } = this.#options;
    const branch = this.#options.branch(this.#tried);
    const via = viaFor(wire, branch);
    const leg: Leg = { branch, hop, wire, via, starting: true };
    this.#legs.push(leg);
    this.#live.add(leg);
    this.#answered = false;
    const ended = new AbortController();
    try {
      await clients.start({
        branch,
        method: this.head.method,
        request: replaceVias(this.#text, [via]),
        wire,
        onSilence: () => {
          ways.isRefused(hop, wire, ended.signal).then(
            (refused) => refused && this.#refused(leg),
            () => undefined,
          );
        },
        onEnd: (end) => {
          ended.abort();
          this.#ended(leg, end);
        },
      });
    } finally {
      leg.starting = false;
    }
    this.#waitForAnswer(leg);
  }

  #ended(leg: Leg, end: AttemptEnd): void {
    this.#live.delete(leg);
    if (end.end === 'failed') {
      if (!leg.starting) this.#failed(leg, end.error);
      return;
    }
    if (end.end === 'timeout') {
      if (!end.answered) this.#options.ways.failed(leg.hop, DEMOTE_FAILED);
      if (leg === this.#legs.at(-1)) this.#over = true;
    }
    this.#finish();
  }

  #refused(leg: Leg): void {
    if (this.#answered || leg !== this.#legs.at(-1)) return;
    this.#options.clients.abandon(leg.branch, this.head.method);
    this.#live.delete(leg);
    const message = `nobody listens at ${where(leg.wire)}`;
    this.#failed(leg, new OffhookError('signaling', 'refused', message));
  }

  #finish(): void {
    if (this.#over && this.#live.size === 0) this.#options.onDone();
  }

  /** With other targets left, silence is not waited out to the end. */
  #waitForAnswer(leg: Leg): void {
    if (this.#answered || !this.#mayGoOn()) return;
    const { clock, timers, ways } = this.#options;
    const share = (64 * timers.t1) / this.#hops.length;
    this.#patience = clock.after(share, () => {
      if (this.#answered || !this.#mayGoOn()) return;
      ways.failed(leg.hop, DEMOTE_FAILED);
      this.#goOn(new OffhookError('signaling', 'no-answer', `${where(leg.wire)} does not answer`));
    });
  }

  #failed(leg: Leg, error: unknown): void {
    if (leg !== this.#legs.at(-1)) {
      this.#finish();
      return;
    }
    this.#patience?.cancel();
    this.#options.ways.failed(leg.hop, DEMOTE_FAILED);
    if (this.#mayGoOn()) {
      this.#goOn(error);
    } else if (!this.#over) {
      this.#over = true;
      this.#options.onFailure(error);
    }
  }

  #goOn(before: unknown): void {
    this.#tryNext(before).catch((last: unknown) => this.#options.onFailure(last));
  }

  /** sip.js never sees this response, so its ACK is made here. */
  #acknowledge(leg: Leg, response: ResponseHead): void {
    const invite = withVias(this.head, [leg.via]) as RequestHead;
    const ack = renderAck(invite, response);
    this.#options.clients.acknowledge(leg.branch, ack).catch(() => undefined);
  }
}

function retryAfter(response: ResponseHead): number | undefined {
  const seconds = /^[0-9]{1,5}/.exec(headerValue(response, 'retry-after') ?? '')?.[0];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function where({ flow }: Wire): string {
  return `${flow.remote.address} port ${flow.remote.port}`;
}
