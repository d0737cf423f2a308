import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../api.ts';

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Whether a packet from a socket bound there is sure to find its way to that address. */
function canReach(local: string, remote: string): boolean {
  if (isIPv6(local) !== isIPv6(remote)) return false;
  return isWildcard(local) || isLoopback(local) === isLoopback(remote);
}

/**
 * Which of several points to send from: one bound to the very address that the route leaves from,
 * else one bound to all, else any that can, else any of the family.
 */
export function choosePoint<T extends { readonly listening: ListenAddress }>(
  points: readonly T[],
  remote: string,
  source: string | undefined,
): T | undefined {
  const family = points.filter(({ listening }) => isIPv6(listening.address) === isIPv6(remote));
  const able = family.filter(({ listening }) => canReach(listening.address, remote));
  return (
    able.find(({ listening }) => listening.address === source) ??
    able.find(({ listening }) => isWildcard(listening.address)) ??
    able[0] ??
    family[0]
  );
}
