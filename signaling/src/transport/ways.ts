import { OffhookError, type Clock } from '@offhook/common';
import type { Locator } from '../dns/locate.ts';
import { choosePoint, isWildcard } from './addresses.ts';
import type { Connections } from './connections.ts';
import type { Flow, Limits, NextHop, Target } from './layer.ts';
import type { Network } from './network.ts';
import type { UdpPoint } from './udp-point.ts';
import type { Wire } from './wire.ts';

/** One way to try: an open flow, or a target. */
export type Hop =
  | { readonly wire: Wire; readonly target?: undefined; readonly upgraded?: undefined }
  | {
      readonly target: Target;
      readonly wire?: undefined;
      /** TCP where UDP was meant, for the size of the request (RFC 3261 §18.1.1). */
      readonly upgraded?: boolean;
    };

export interface WaysOptions {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly network: Network;
  readonly locator: Locator;
  readonly connections: Connections;
  readonly udpPoints: () => readonly UdpPoint[];
}

/** A server that takes no TCP is not asked again for this long, in ms. */
const NO_TCP_MS = 600_000;
/** The attempt over TCP must leave time for UDP. */
const UPGRADE_TIMEOUT_MS = 2000;
const PROBE_MS = 3000;
const MAX_NO_TCP = 256;

/** From a next hop to wires: location, choice of socket, connections, TCP for large requests. */
export class Ways {
  readonly #options: WaysOptions;
  readonly #noTcp = new Map<string, number>();
  readonly #wires = new WeakMap<Flow, Wire>();

  constructor(options: WaysOptions) {
    this.#options = options;
  }

  /** Makes a flow usable as a next hop. */
  know(wire: Wire): void {
    this.#wires.set(wire.flow, wire);
  }

  wireOf(flow: Flow): Wire {
    const wire = this.#wires.get(flow);
    if (wire?.open !== true) {
      throw new OffhookError(
        'signaling',
        'flow-lost',
        `the ${flow.transport} flow to ${flow.remote.address} port ${flow.remote.port} is gone`,
      );
    }
    return wire;
  }

  /** All that is worth trying for a request of this size, in order. */
  async hops(nextHop: NextHop, bytes: number, signal?: AbortSignal): Promise<readonly Hop[]> {
    if ('flow' in nextHop) {
      const wire = this.wireOf(nextHop.flow);
      const { transport, remote } = wire.flow;
      const [tcp] = this.#withTcp({ transport, ...remote }, bytes);
      return tcp?.upgraded === true ? [tcp, { wire }] : [{ wire }];
    }
    const targets =
      'targets' in nextHop
        ? nextHop.targets
        : await this.#options.locator.locate(nextHop.uri, signal);
    return targets.flatMap((target) => this.#withTcp(target, bytes));
  }

  async open(hop: Hop): Promise<Wire> {
    if (hop.wire !== undefined) {
      if (!hop.wire.open) this.wireOf(hop.wire.flow);
      return hop.wire;
    }
    const { target } = hop;
    const wire =
      target.transport === 'udp'
        ? await this.#udp(target)
        : await this.#options.connections.get(
            target,
            hop.upgraded === true ? UPGRADE_TIMEOUT_MS : undefined,
          );
    this.know(wire);
    return wire;
  }

  /** Sending there failed, or nothing answered. */
  failed(hop: Hop, ms: number): void {
    if (hop.target === undefined) return;
    if (hop.upgraded === true) {
      if (this.#noTcp.size >= MAX_NO_TCP) this.#noTcp.clear();
      this.#noTcp.set(placeOf(hop.target), this.#options.clock.now() + NO_TCP_MS);
    } else {
      this.demote(hop, ms);
    }
  }

  demote(hop: Hop, ms: number): void {
    if (hop.target !== undefined) this.#options.locator.demote(hop.target, ms);
  }

  restore(hop: Hop): void {
    if (hop.target !== undefined) this.#options.locator.restore(hop.target);
  }

  /** Whether the network refuses UDP there; asked when a request got no answer. */
  async isRefused(hop: Hop, wire: Wire, signal: AbortSignal): Promise<boolean> {
    if (wire.flow.transport !== 'udp') return false;
    const late = new AbortController();
    const timer = this.#options.clock.after(PROBE_MS, () => late.abort());
    try {
      const either = AbortSignal.any([late.signal, signal]);
      return await this.#options.network.probe(hop.target ?? wire.flow.remote, either);
    } finally {
      timer.cancel();
    }
  }

  #withTcp(target: Target, bytes: number): readonly Hop[] {
    const { limits, clock } = this.#options;
    if (target.transport !== 'udp' || bytes <= limits.udpRequestBytes) return [{ target }];
    const refused = this.#noTcp.get(placeOf(target)) ?? 0;
    if (refused > clock.now()) return [{ target }];
    return [{ target: { ...target, transport: 'tcp' }, upgraded: true }, { target }];
  }

  async #udp(target: Target): Promise<Wire> {
    const points = this.#options.udpPoints();
    const mustAsk =
      points.length > 1 && !points.every((point) => isWildcard(point.listening.address));
    const source = mustAsk
      ? await this.#options.network.sourceAddress(target).catch(() => undefined)
      : undefined;
    const point = choosePoint(points, target.address, source);
    if (point === undefined) {
      throw new OffhookError(
        'signaling',
        'no-transport',
        `no UDP socket of ours can send to ${target.address}`,
        { remedy: 'listen at a UDP address of the same family, or use another transport' },
      );
    }
    return await point.wire(target);
  }
}

function placeOf({ address, port }: Target): string {
  return `${address} ${port}`;
}
