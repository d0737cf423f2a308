import { randomBytes, randomInt } from 'node:crypto';
import type { ListenAddress, TransportName } from '../api.ts';
import type { Limits, Random } from './layer.ts';

export const DEFAULT_LIMITS: Limits = {
  headerBytes: 64 * 1024,
  bodyBytes: 256 * 1024,
  datagramBytes: 65_535,
  connections: 256,
  sendQueueBytes: 1024 * 1024,
  messageDeadlineMs: 15_000,
  connectTimeoutMs: 8000,
  idleMs: 600_000,
  udpRequestBytes: 1300,
  transactions: 20_000,
};

const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);

/** Every byte is given out once; asking the system for 4 kB costs what asking for eight does. */
function pooledBytes(count: number): Uint8Array {
  if (count > POOL_BYTES / 4) return randomBytes(count);
  if (pool.length < count) pool = randomBytes(POOL_BYTES);
  const bytes = pool.subarray(0, count);
  pool = pool.subarray(count);
  return bytes;
}

export const systemRandom: Random = {
  bytes: pooledBytes,
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
};

/** Connections can always be opened; UDP needs a socket. The order is that of RFC 3263 §4.1. */
export function usableTransports(listen: readonly ListenAddress[]): readonly TransportName[] {
  const udp = listen.length === 0 || listen.some(({ transport }) => transport === 'udp');
  return udp ? ['udp', 'tcp', 'tls'] : ['tcp', 'tls'];
}
