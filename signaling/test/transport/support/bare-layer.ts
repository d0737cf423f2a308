import { ManualClock } from '@offhook/common';
import type { Core } from 'sip.js';
import type {
  IncomingRequest,
  IncomingResponse,
  Router,
  TransportLayer,
  TransportLayerOptions,
} from '../../../src/transport/layer.ts';
import { createTransportLayer } from '../../../src/transport/transport-layer.ts';
import { MemoryNetwork } from './memory-network.ts';

export interface Received {
  readonly at: number;
  readonly text: string;
}

export interface Bench {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly layer: TransportLayer;
  readonly transport: Core.Transport;
  readonly requests: IncomingRequest[];
  readonly responses: IncomingResponse[];
  /** Set: what the user of the layer does with a request. */
  onRequest: (event: IncomingRequest) => void;
  onResponse: (event: IncomingResponse) => void;
  /** Port of the layer. */
  readonly port: number;
}

/** A layer on virtual time and a network in memory, without sip.js's transactions. */
export async function bench(
  options: Partial<TransportLayerOptions> & { router?: Router; delayMs?: number } = {},
): Promise<Bench> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: options.delayMs ?? 0 });
  const layer = await createTransportLayer({
    listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
    clock,
    network: network.host(),
    ...options,
  });
  const made: Bench = {
    clock,
    network,
    layer,
    transport: layer.coreTransport(options.router),
    requests: [],
    responses: [],
    onRequest: () => undefined,
    onResponse: () => undefined,
    port: layer.listening[0]?.port ?? 0,
  };
  layer.receive({
    request: (event) => {
      made.requests.push(event);
      made.onRequest(event);
    },
    response: (event) => {
      made.responses.push(event);
      made.onResponse(event);
    },
  });
  return made;
}

/** A peer at a port, which writes down what it gets. */
export function peer(
  { network, clock, port }: Bench,
  at = 7000,
): { readonly got: Received[]; send(text: string): void; close(): Promise<void> } {
  const got: Received[] = [];
  const socket = network.socket({ address: '127.0.0.1', port: at }, (text) => {
    got.push({ at: clock.now(), text });
  });
  return {
    got,
    send: (text) => socket.send(Buffer.from(text), { address: '127.0.0.1', port }, () => undefined),
    close: () => socket.close(),
  };
}

/** A request as sip.js would hand it to the transport. */
export function coreRequest(
  method: string,
  options: {
    branch?: string;
    uri?: string;
    cseq?: number;
    toTag?: string;
    headers?: string[];
    body?: string;
  } = {},
): string {
  const body = options.body ?? '';
  const to = options.toTag === undefined ? '' : `;tag=${options.toTag}`;
  return [
    `${method} ${options.uri ?? 'sip:bob@127.0.0.1:7000'} SIP/2.0`,
    `Via: SIP/2.0/UDP core.invalid;branch=${options.branch ?? 'z9hG4bKcore'};rport`,
    `To: <sip:bob@example.com>${to}`,
    'From: <sip:alice@example.com>;tag=alice',
    `CSeq: ${options.cseq ?? 1} ${method}`,
    'Call-ID: call@test',
    'Max-Forwards: 70',
    ...(options.headers ?? []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** A response of sip.js to a request that it was given. */
export function coreResponse(
  { message }: IncomingRequest,
  status: number,
  options: { reason?: string; headers?: string[] } = {},
): string {
  const to = message.getHeader('to') ?? '';
  return [
    `SIP/2.0 ${status} ${options.reason ?? 'Reason'}`,
    `Via: ${message.getHeader('via') ?? ''}`,
    `From: ${message.getHeader('from') ?? ''}`,
    `To: ${to}${to.includes(';tag=') ? '' : ';tag=bob'}`,
    `CSeq: ${message.cseq} ${message.method}`,
    `Call-ID: ${message.callId}`,
    ...(options.headers ?? []),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
