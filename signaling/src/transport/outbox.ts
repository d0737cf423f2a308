import { createHmac } from 'node:crypto';
import { OffhookError, type Clock } from '@offhook/common';
import { Core } from 'sip.js';
import { parseCSeq } from './check.ts';
import type { ClientTransactions } from './client-transactions.ts';
import { Course } from './course.ts';
import { headerValue, type RequestHead, type ResponseHead } from './head.ts';
import type { NextHop, Router } from './layer.ts';
import { parseHead } from './parse.ts';
import { renderResponse, replaceVias } from './render.ts';
import type { ServerTransactions } from './server-transactions.ts';
import type { SipTimers } from './timers.ts';
import type { Traffic } from './traffic.ts';
import { MAGIC_COOKIE, parseVia, viaParam } from './via.ts';
import type { Ways } from './ways.ts';
import { viaFor } from './wire.ts';

export interface OutboxOptions {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly clients: ClientTransactions;
  readonly servers: ServerTransactions;
  readonly ways: Ways;
  readonly traffic: Traffic;
  /** Makes branches that nobody can guess. */
  readonly secret: Uint8Array;
  readonly newTag: () => string;
  /** A response made here to the request that could not be sent. */
  readonly deliver: (response: ResponseHead, via: string) => void;
}

/** Takes messages from sip.js to the wire. */
export class Outbox {
  readonly #options: OutboxOptions;
  /** By the branch and method of sip.js. */
  readonly #courses = new Map<string, Course>();
  /** By the branch and method on the wire. */
  readonly #byWire = new Map<string, Course>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#courses.size;
  }

  courseOf(wireBranch: string, method: string): Course | undefined {
    return this.#byWire.get(`${wireBranch} ${method}`);
  }

  /** What sip.js sends. Rejects with sip.js's TransportError, which makes a 503 of it (§8.1.3.1). */
  async send(text: string, router: Router | undefined): Promise<void> {
    try {
      const parsed = parseHead(text.slice(0, text.indexOf('\r\n\r\n')));
      if (!parsed.ok) {
        throw new OffhookError('signaling', 'unsendable', `a message to send is ${parsed.problem}`);
      }
      const { head } = parsed;
      await (head.kind === 'response'
        ? this.#respond(head, text)
        : this.#request(head, text, router));
    } catch (error) {
      this.#options.traffic.counters.sendFailures++;
      throw new Core.TransportError(error instanceof Error ? error.message : String(error));
    }
  }

  close(): void {
    for (const course of this.#courses.values()) course.abandon();
    this.#courses.clear();
    this.#byWire.clear();
  }

  async #respond(head: ResponseHead, text: string): Promise<void> {
    const { servers } = this.#options;
    const via = parseVia(headerValue(head, 'via') ?? '');
    const branch = (via === undefined ? undefined : viaParam(via, 'branch')) ?? '';
    const method = parseCSeq(headerValue(head, 'cseq') ?? '')?.method ?? '';
    const vias = servers.viasOf(branch, method);
    if (vias === undefined) {
      throw new OffhookError(
        'signaling',
        'no-transaction',
        `a ${head.status} for ${method} came too late: the request is over`,
      );
    }
    await servers.respond(branch, method, head.status, replaceVias(text, vias));
  }

  #request(head: RequestHead, text: string, router: Router | undefined): Promise<void> {
    const branch = branchOf(head);
    const invite = this.#courses.get(`${branch} INVITE`);
    if (head.method === 'ACK') {
      return invite === undefined
        ? this.#sendAck(head, text, branch, router)
        : this.#acknowledge(invite, text);
    }
    if (head.method === 'CANCEL' && invite !== undefined) {
      return this.#cancel(invite, head, text, branch);
    }
    return this.#start(head, text, branch, (bytes) => this.#route(head, router, bytes));
  }

  /** The ACK of a non-2xx response: same way and branch as its INVITE (RFC 3261 §17.1.1.3). */
  async #acknowledge(invite: Course, text: string): Promise<void> {
    const leg = invite.current();
    if (leg === undefined) return;
    await this.#options.clients.acknowledge(leg.branch, replaceVias(text, [leg.via]));
  }

  /** The ACK of a 2xx is no transaction; sent again, it has the same branch again. */
  async #sendAck(
    head: RequestHead,
    text: string,
    branch: string,
    router: Router | undefined,
  ): Promise<void> {
    const { ways } = this.#options;
    let last: unknown;
    for (const hop of await this.#route(head, router, Buffer.byteLength(text))) {
      try {
        const wire = await ways.open(hop);
        const via = viaFor(wire, this.#branch(branch, head, 0));
        await wire.send(Buffer.from(replaceVias(text, [via])));
        return;
      } catch (error) {
        last = error;
        ways.failed(hop, 0);
      }
    }
    throw last;
  }

  /** CANCEL goes where its INVITE went, on the same branch (§9.1). */
  async #cancel(invite: Course, head: RequestHead, text: string, branch: string): Promise<void> {
    const leg = invite.current();
    invite.cancel();
    if (leg === undefined) return;
    this.#options.clients.cancelled(leg.branch);
    await this.#start(head, text, branch, async () => [{ wire: leg.wire }], leg.branch);
  }

  async #start(
    head: RequestHead,
    text: string,
    branch: string,
    route: (bytes: number) => ReturnType<Ways['hops']>,
    wireBranch?: string,
  ): Promise<void> {
    const { clock, timers, clients, ways } = this.#options;
    const key = `${branch} ${head.method}`;
    const course: Course = new Course(head, text, {
      clock,
      timers,
      clients,
      ways,
      branch: (attempt) => {
        const made = wireBranch ?? this.#branch(branch, head, attempt);
        this.#byWire.set(`${made} ${head.method}`, course);
        return made;
      },
      onFailure: (error) => this.#failed(course, key, error),
      onDone: () => this.#forget(course, key),
    });
    this.#courses.set(key, course);
    try {
      await course.run(await route(Buffer.byteLength(text)));
    } catch (error) {
      this.#forget(course, key);
      throw error;
    }
  }

  async #route(
    head: RequestHead,
    router: Router | undefined,
    bytes: number,
  ): ReturnType<Ways['hops']> {
    const chosen: NextHop | undefined = await router?.({
      method: head.method,
      uri: head.uri,
      callId: headerValue(head, 'call-id') ?? '',
      head,
    });
    return await this.#options.ways.hops(
      chosen ?? { uri: headerValue(head, 'route') ?? head.uri },
      bytes,
    );
  }

  /** RFC 3261 §8.1.3.1: a transport error is treated as a 503. */
  #failed(course: Course, key: string, error: unknown): void {
    const { deliver, traffic, newTag } = this.#options;
    traffic.counters.sendFailures++;
    const why = (error instanceof Error ? error.message : String(error)).replaceAll(
      /["\\\r\n]/g,
      ' ',
    );
    const response = renderResponse(course.head, {
      status: 503,
      reason: 'Service Unavailable',
      vias: [course.coreVia],
      toTag: newTag(),
      extra: [{ name: 'warning', value: `399 offhook.invalid "${why}"` }],
    });
    const parsed = parseHead(response.slice(0, response.indexOf('\r\n\r\n')));
    if (parsed.ok && parsed.head.kind === 'response') deliver(parsed.head, course.coreVia);
    // Only now: sip.js has sent its ACK meanwhile, which has nowhere to go.
    this.#forget(course, key);
  }

  #forget(course: Course, key: string): void {
    if (this.#courses.get(key) === course) this.#courses.delete(key);
    for (const branch of course.branches) this.#byWire.delete(`${branch} ${course.head.method}`);
  }

  /** 160 bits that depend on what identifies the transaction, so that a repeat has the same. */
  #branch(core: string, head: RequestHead, attempt: number): string {
    // A CANCEL has the branch of its INVITE, also in a process that has not sent that one.
    const cseq = parseCSeq(headerValue(head, 'cseq') ?? '')?.cseq;
    const seed = JSON.stringify([core, headerValue(head, 'call-id'), cseq, attempt]);
    const digest = createHmac('sha256', this.#options.secret).update(seed).digest('hex');
    return `${MAGIC_COOKIE}${digest.slice(0, 40)}`;
  }
}

function branchOf(head: RequestHead): string {
  const via = parseVia(headerValue(head, 'via') ?? '');
  return (via === undefined ? undefined : viaParam(via, 'branch')) ?? '';
}
