import type { TransportName } from '../api.ts';
import { isNumeric, type HopUri } from './next-hop.ts';

/**
 * RFC 3263 §4 as a pure function: from a URI and the records known so far either to the next
 * question for DNS or to the ordered list of where to go.
 */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly service: string;
  readonly replacement: string;
  readonly flags: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly name: string;
}

/** What DNS said; a name that is missing was not asked for, an empty list means no such record. */
export interface Records {
  readonly naptr: ReadonlyMap<string, readonly NaptrRecord[]>;
  readonly srv: ReadonlyMap<string, readonly SrvRecord[]>;
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

export type Question =
  | { readonly type: 'naptr'; readonly name: string }
  | { readonly type: 'srv'; readonly name: string }
  | { readonly type: 'addresses'; readonly name: string };

export interface PlannedTarget {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
}

export type Plan =
  | { readonly ask: readonly Question[] }
  | { readonly targets: readonly PlannedTarget[] };

/** A host that is still to be looked up. */
interface Place {
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
}

const NAPTR_SERVICE: Readonly<Record<string, TransportName>> = {
  'SIPS+D2T': 'tls',
  'SIP+D2T': 'tcp',
  'SIP+D2U': 'udp',
};

const SRV_PREFIX: Readonly<Record<TransportName, string>> = {
  tls: '_sips._tcp.',
  tcp: '_sip._tcp.',
  udp: '_sip._udp.',
};

const DEFAULT_PORT: Readonly<Record<TransportName, number>> = { udp: 5060, tcp: 5060, tls: 5061 };

/**
 * `fraction` gives numbers in [0, 1) for the weighted choice of RFC 2782; `usable` are the
 * transports that we can send over, the one we like best first.
 */
export function planTargets(
  uri: HopUri,
  records: Records,
  usable: readonly TransportName[],
  fraction: () => number,
): Plan {
  const fallback: TransportName = uri.secure ? 'tls' : (uri.transport ?? 'udp');
  if (isNumeric(uri.host) || uri.port !== undefined) {
    // §4.1, §4.2: a numeric host or a port leaves nothing to NAPTR and SRV.
    const port = uri.port ?? DEFAULT_PORT[fallback];
    return lookUp([{ transport: fallback, host: uri.host, port }], records);
  }
  const services = servicesOf(uri, records, usable);
  if ('ask' in services) return services;
  const missing = services.names.filter(({ name }) => !records.srv.has(name));
  if (missing.length > 0) {
    return { ask: missing.map(({ name }) => ({ type: 'srv', name })) };
  }
  const places = services.names.flatMap(({ transport, name }) =>
    orderSrv(records.srv.get(name) ?? [], fraction).map(({ name: host, port }) => ({
      transport,
      host: host.replace(/\.$/, '').toLowerCase(),
      port,
    })),
  );
  if (places.length > 0) return lookUp(places, records);
  return lookUp([{ transport: fallback, host: uri.host, port: DEFAULT_PORT[fallback] }], records);
}

/** The SRV names to ask, in order of preference (§4.1). */
function servicesOf(
  uri: HopUri,
  records: Records,
  usable: readonly TransportName[],
):
  | { readonly ask: readonly Question[] }
  | { readonly names: readonly { transport: TransportName; name: string }[] } {
  const direct = (transport: TransportName): { transport: TransportName; name: string } => ({
    transport,
    name: `${SRV_PREFIX[transport]}${uri.host}`,
  });
  if (uri.transport !== undefined) return { names: [direct(uri.transport)] };
  const naptr = records.naptr.get(uri.host);
  if (naptr === undefined) return { ask: [{ type: 'naptr', name: uri.host }] };
  const allowed = usable.filter((transport) => !uri.secure || transport === 'tls');
  const names = naptr
    .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
    .flatMap((record) => {
      const transport = NAPTR_SERVICE[record.service.toUpperCase()];
      const takes = record.flags.toLowerCase() === 's' && record.replacement !== '';
      return transport !== undefined && takes && allowed.includes(transport)
        ? [{ transport, name: record.replacement.replace(/\.$/, '').toLowerCase() }]
        : [];
    });
  return { names: names.length > 0 ? names : allowed.map(direct) };
}

function lookUp(places: readonly Place[], records: Records): Plan {
  const missing = new Set(
    places
      .map(({ host }) => host)
      .filter((host) => !isNumeric(host) && !records.addresses.has(host)),
  );
  if (missing.size > 0) {
    return { ask: [...missing].map((name) => ({ type: 'addresses', name })) };
  }
  return {
    targets: places.flatMap(({ transport, host, port }) =>
      (isNumeric(host) ? [host] : (records.addresses.get(host) ?? [])).map((address) => ({
        transport,
        address,
        port,
      })),
    ),
  };
}

/** RFC 2782: by priority; within one, at random in proportion to the weights. */
export function orderSrv(records: readonly SrvRecord[], fraction: () => number): SrvRecord[] {
  // A single record with the root as its target says that the service is not there.
  const real = records.filter(({ name }) => name !== '.' && name !== '');
  const priorities = [...new Set(real.map(({ priority }) => priority))].toSorted((a, b) => a - b);
  return priorities.flatMap((priority) => {
    // Zero weights first, so that they have a small chance at all.
    const rest = real
      .filter((record) => record.priority === priority)
      .toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
    const ordered: SrvRecord[] = [];
    while (rest.length > 0) {
      const total = rest.reduce((sum, { weight }) => sum + weight, 0);
      const mark = fraction() * (total + 1);
      let sum = 0;
      const found = rest.findIndex(({ weight }) => {
        sum += weight;
        return sum >= Math.floor(mark);
      });
      ordered.push(...rest.splice(Math.max(0, found), 1));
    }
    return ordered;
  });
}
