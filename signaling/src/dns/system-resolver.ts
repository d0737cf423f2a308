import { lookup, Resolver } from 'node:dns/promises';
import type { SipResolver } from '../api.ts';

function resolverOf(servers?: readonly string[]): Resolver {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  return resolver;
}

/**
 * The system's name servers. Addresses come by way of the system's own look-up, so that
 * `/etc/hosts` counts; NAPTR and SRV go to DNS.
 */
export function systemResolver(): SipResolver {
  const resolver = resolverOf();
  return {
    naptr: (name) => resolver.resolveNaptr(name),
    srv: (name) => resolver.resolveSrv(name),
    async addresses(name) {
      const found = await lookup(name, { all: true, order: 'verbatim' });
      return found.map(({ address }) => address);
    },
  };
}

/**
 * These name servers for everything, in their order; what the system knows does not count.
 *
 * @param servers numeric addresses, with a port where it is not 53: `192.0.2.53`, `[2001:db8::53]:5353`
 */
export function resolverAt(servers: readonly string[]): SipResolver {
  const resolver = resolverOf(servers);
  return {
    naptr: (name) => resolver.resolveNaptr(name),
    srv: (name) => resolver.resolveSrv(name),
    async addresses(name) {
      const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const addresses = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      const [v4] = found;
      if (addresses.length === 0 && v4.status === 'rejected') throw v4.reason;
      return addresses;
    },
  };
}
