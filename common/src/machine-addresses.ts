import { networkInterfaces } from 'node:os';

/** Every address of this machine, loopback too; without zones. */
export function machineAddresses(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).map(({ address }) => address.replace(/%.*$/, '')),
    ),
  );
}
