import { machineAddresses, type Clock, type Logger, type Timer } from '@offhook/common';

/** How often it is looked, ms. Nothing tells a program without rights of new addresses. */
const LOOK_MS = 1000;
/** A wall clock that runs ahead of the monotonic one by so much: the machine was suspended, ms. */
const SUSPENDED_MS = 5000;

export interface NetworkWatchParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of this machine, but for loopback; the system's by default. */
  readonly addresses?: () => ReadonlySet<string>;
  /** The machine has other addresses now (VPN, another network), or was suspended for a while. */
  readonly onChange: (addresses: ReadonlySet<string>) => void;
}

/** Tells when peers may not reach us any more where they did. Returns what ends it. */
export function watchNetwork(parts: NetworkWatchParts): () => void {
  const { clock, logger, onChange, addresses = machineAddresses } = parts;
  let known = addresses();
  let ahead = clock.wall() - clock.now();
  let timer: Timer = clock.after(LOOK_MS, look);

  function look(): void {
    timer = clock.after(LOOK_MS, look);
    const now = addresses();
    const suspendedMs = clock.wall() - clock.now() - ahead;
    ahead += suspendedMs;
    const moved = now.size !== known.size || [...now].some((address) => !known.has(address));
    known = now;
    if (!moved && suspendedMs < SUSPENDED_MS) return;
    logger.info({ addresses: [...now], suspendedMs: Math.round(suspendedMs) }, 'network changed');
    onChange(now);
  }
  return () => timer.cancel();
}
