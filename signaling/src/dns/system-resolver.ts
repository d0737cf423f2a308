import { lookup, Resolver } from 'node:dns/promises';
import type { SipResolver } from '../api.ts';

/**
 * The system's name servers. Addresses come by way of the system's own look-up, so that
 * `/etc/hosts` counts; NAPTR and SRV go to DNS.
 */
export function systemResolver(): SipResolver {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  return {
    naptr: (name) => resolver.resolveNaptr(name),
    srv: (name) => resolver.resolveSrv(name),
    async addresses(name) {
      const found = await lookup(name, { all: true, order: 'verbatim' });
      return found.map(({ address }) => address);
    },
  };
}
