import { checkMessage, type Essentials, type Verdict } from './check.ts';
import type { ClientTransactions } from './client-transactions.ts';
import type { Connection } from './connection.ts';
import type { FrameEvent } from './framer.ts';
import { headerValue, type RequestHead, type ResponseHead, type SipHead } from './head.ts';
import { coreVia, requestEvent, type Inbox } from './inbox.ts';
import type { Flow, IncomingRequest, Limits } from './layer.ts';
import type { Outbox } from './outbox.ts';
import { parseHead } from './parse.ts';
import { renderResponse } from './render.ts';
import type { Admission, Arrival, ServerTransactions } from './server-transactions.ts';
import type { Traffic } from './traffic.ts';
import { formatVia, hasViaParam, seenAs, stampVia, viaParam } from './via.ts';
import { isReliable, sendFailed, type Wire } from './wire.ts';

export interface ReceiverOptions {
  readonly limits: Limits;
  readonly traffic: Traffic;
  readonly servers: ServerTransactions;
  readonly clients: ClientTransactions;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly newTag: () => string;
  /** A peer's Via asked for its connection to be used for requests to it (RFC 5923). */
  readonly alias: (wire: Wire, port: number) => void;
}

const HEAD_END = '\r\n\r\n';

/** Takes messages off the wire: checks them, finds their transaction, hands them to sip.js. */
export class Receiver {
  readonly #options: ReceiverOptions;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  datagram(bytes: Uint8Array, wire: Wire): void {
    const { limits, traffic } = this.#options;
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    while (data[start] === 13 && data[start + 1] === 10) start += 2;
    // RFC 5626 keep-alives and other things that keep a NAT binding open.
    if (start === data.length || data.length < 8) return;
    const message = data.subarray(start);
    traffic.received(wire.flow, message);
    if (message.length > limits.datagramBytes) {
      traffic.dropped(wire.flow, 'too large');
      return;
    }
    const end = message.indexOf(HEAD_END);
    const head = end < 0 ? message : message.subarray(0, end);
    const body = end < 0 ? undefined : message.subarray(end + HEAD_END.length);
    this.#message(head, body, wire);
  }

  stream(head: Uint8Array, body: Uint8Array, connection: Connection): void {
    const whole = Buffer.concat([head, Buffer.from(HEAD_END), body]);
    this.#options.traffic.received(connection.flow, whole);
    this.#message(Buffer.from(head), Buffer.from(body), connection);
  }

  /** See `TransportLayer.readmit`. What it came on is gone: answers find their own way. */
  readmit(text: string, flow: Flow): IncomingRequest | undefined {
    const end = text.indexOf(HEAD_END);
    const parsed = parseHead(text.slice(0, Math.max(0, end)));
    if (!parsed.ok || parsed.head.kind !== 'request') return undefined;
    const { head } = parsed;
    const verdict = checkMessage(head);
    if (verdict.verdict !== 'accept') return undefined;
    const { essentials } = verdict;
    const wire: Wire = { flow, open: false, send: () => Promise.reject(sendFailed(flow, 'gone')) };
    const topVia = stampVia(essentials.topVia, flow.remote);
    const vias = [formatVia(topVia), ...essentials.vias.slice(1)];
    const admission = this.#options.servers.receive({ head, essentials, vias, wire });
    if (admission.admitted !== 'new') return undefined;
    return requestEvent(head, text.slice(end + HEAD_END.length), admission.branch, flow);
  }

  /** The connection ends after this; a request gets a word of why if it says where to. */
  broken(event: FrameEvent & { type: 'broken' }, connection: Connection): void {
    const { head, status, reason } = event;
    const verdict = head === undefined ? undefined : checkMessage(head, { status, reason });
    if (head?.kind === 'request' && verdict?.verdict === 'refuse') {
      this.#refuse(head, verdict, connection);
    } else {
      this.#options.traffic.dropped(connection.flow, reason);
    }
  }

  #message(headBytes: Buffer, body: Buffer | undefined, wire: Wire): void {
    const { traffic, limits } = this.#options;
    const result = parseHead(headBytes.toString('utf8').replace(/\r\n$/, ''));
    const { head } = result;
    if (head === undefined) {
      traffic.dropped(wire.flow, result.ok ? '' : result.problem);
      return;
    }
    const problem = result.ok
      ? sizeProblem(head, headBytes, body, limits)
      : { status: result.status, reason: result.problem };
    const verdict = checkMessage(head, problem);
    if (verdict.verdict === 'drop') {
      traffic.dropped(wire.flow, verdict.reason);
    } else if (verdict.verdict === 'refuse') {
      if (head.kind === 'request') this.#refuse(head, verdict, wire);
    } else {
      const { essentials } = verdict;
      const content = (body ?? Buffer.alloc(0)).subarray(0, essentials.contentLength);
      if (head.kind === 'request') this.#request(head, essentials, content.toString('utf8'), wire);
      else this.#response(head, essentials, content.toString('utf8'), wire);
    }
  }

  #request(head: RequestHead, essentials: Essentials, body: string, wire: Wire): void {
    const { servers, inbox, traffic } = this.#options;
    const { topVia } = essentials;
    if (hasViaParam(topVia, 'alias') && topVia.port !== undefined) {
      if (topVia.host === wire.flow.remote.address) this.#options.alias(wire, topVia.port);
    }
    const vias = [formatVia(stampVia(topVia, wire.flow.remote)), ...essentials.vias.slice(1)];
    const arrival: Arrival = { head, essentials, vias, wire };
    if (inbox.handler === undefined) return;
    const admission = servers.receive(arrival);
    if (admission.admitted === 'absorbed') return;
    if (admission.admitted === 'overload') {
      this.#overloaded(arrival);
      return;
    }
    const branch = this.#branchOf(admission, essentials);
    const failure = inbox.request(head, body, branch, wire.flow);
    if (failure === undefined) return;
    if (failure.status === 400) traffic.refused(wire.flow, failure.reason);
    if (!servers.isAnswered(branch, head.method)) {
      this.#answer(arrival, branch, failure.status, failure.reason);
    }
  }

  #branchOf(admission: Admission, { topVia }: Essentials): string {
    if (admission.admitted === 'new' || admission.admitted === 'ack') return admission.branch;
    // The ACK of a 2xx: a branch that no transaction of sip.js has.
    return `z9hG4bK-ack-${viaParam(topVia, 'branch') ?? ''}`.replaceAll(/[^\w.~*'`+%!-]/g, '');
  }

  #response(head: ResponseHead, essentials: Essentials, body: string, wire: Wire): void {
    const { clients, outbox, inbox, traffic } = this.#options;
    const { topVia, method } = essentials;
    const branch = viaParam(topVia, 'branch') ?? '';
    const outcome = clients.receive(branch, method, head.status);
    if (outcome === 'absorb') return;
    const course = outbox.courseOf(branch, method);
    if (outcome === 'deliver' && course?.take(branch, head) === false) return;
    const isAccept = method === 'INVITE' && head.status >= 200 && head.status < 300;
    if (outcome === undefined && !isAccept) {
      traffic.dropped(wire.flow, 'a response to nothing that was asked');
      return;
    }
    const failure = inbox.response(head, body, {
      via: course?.coreVia ?? coreVia(branch),
      flow: wire.flow,
      seenAs: seenAs(topVia),
      matched: outcome !== undefined,
    });
    if (failure?.status === 400) traffic.dropped(wire.flow, failure.reason);
  }

  #refuse(head: RequestHead, verdict: Verdict & { verdict: 'refuse' }, wire: Wire): void {
    const { traffic, servers } = this.#options;
    traffic.refused(wire.flow, verdict.reason);
    const topVia = stampVia(verdict.topVia, wire.flow.remote);
    const vias = [formatVia(topVia), ...verdict.vias.slice(1)];
    // As good a key as a broken message allows: what it is compared with is the same message.
    const callId = headerValue(head, 'call-id') ?? '';
    const essentials: Essentials = {
      topVia: verdict.topVia,
      vias: verdict.vias,
      callId,
      cseq: 0,
      method: head.method,
      contentLength: undefined,
    };
    const arrival: Arrival = { head, essentials, vias, wire };
    const admission = servers.receive(arrival);
    if (admission.admitted !== 'new') return;
    this.#answer(arrival, admission.branch, verdict.status, verdict.reason);
  }

  #answer(arrival: Arrival, branch: string, status: number, reason: string): void {
    const { servers, newTag } = this.#options;
    const { head, vias } = arrival;
    const response = renderResponse(head, { status, reason, vias, toTag: newTag() });
    servers.respond(branch, head.method, status, response).catch(() => undefined);
  }

  /** Over a reliable transport the peer would wait in vain; over UDP it asks again by itself. */
  #overloaded(arrival: Arrival): void {
    const { traffic, newTag } = this.#options;
    traffic.refused(arrival.wire.flow, 'too many transactions');
    if (!isReliable(arrival.wire)) return;
    const response = renderResponse(arrival.head, {
      status: 503,
      reason: 'Service Unavailable',
      vias: arrival.vias,
      toTag: newTag(),
      extra: [{ name: 'retry-after', value: '5' }],
    });
    arrival.wire.send(Buffer.from(response)).catch(() => undefined);
  }
}

function sizeProblem(
  head: SipHead,
  headBytes: Buffer,
  body: Buffer | undefined,
  limits: Limits,
): { status: number; reason: string } | undefined {
  if (headBytes.length > limits.headerBytes)
    return { status: 400, reason: 'Header Block Too Large' };
  if (body === undefined) return { status: 400, reason: 'Missing Empty Line' };
  const length = Number(headerValue(head, 'content-length') ?? 0);
  if (length > limits.bodyBytes) return { status: 413, reason: 'Body Too Large' };
  // RFC 3261 §18.3: a datagram that ends before its body does.
  if (length > body.length) return { status: 400, reason: 'Body Shorter Than Content-Length' };
  return undefined;
}
