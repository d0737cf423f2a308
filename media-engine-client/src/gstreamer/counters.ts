import { readFileSync } from 'node:fs';

/**
 * Which key is in use each way, as a number that grows with each new one: a key that stays keeps its
 * indices, whatever becomes of the other.
 */
export interface SrtpEpochs {
  readonly tx: number;
  readonly rx: number;
}

/** Where a worker's port stood when the worker was last heard of; see worker/counters.h. */
export interface PortCounters {
  readonly ssrc: number;
  /** Absent when nothing was sent yet. */
  readonly sent?: {
    /** Roll-over counter × 65536 + sequence number of the last packet. */
    readonly index: number;
    readonly timestamp: number;
    /** CLOCK_MONOTONIC of it, ms. */
    readonly monoMs: number;
  };
  readonly rtcpIndex: number;
  /** Which keys the indices belong to. */
  readonly epochs: SrtpEpochs;
  readonly received?: { readonly ssrc: number; readonly index: number };
}

const MAGIC = 'OFFHKCT1';
const HEADER = 16;
const ID_BYTES = 48;
const NONE = 0xffff_ffff_ffff_ffffn;

export function countersPath(socketPath: string): string {
  return `${socketPath}.counters`;
}

/**
 * Reads the file that the worker keeps mapped, by port id. It is exact after a SIGKILL: the page
 * cache outlives the process. Empty when there is none that can be trusted.
 */
export function readCounters(path: string): ReadonlyMap<string, PortCounters> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return new Map();
  }
  return parseCounters(bytes);
}

/**
 * What is known after another worker has died: its own figures, and those of its predecessor for a
 * port that it had not taken up again.
 */
export function mergeCounters(
  before: ReadonlyMap<string, PortCounters>,
  after: ReadonlyMap<string, PortCounters>,
): ReadonlyMap<string, PortCounters> {
  const merged = new Map(before);
  for (const [id, row] of after) {
    const old = before.get(id);
    const untouched = row.sent === undefined || (row.epochs.tx === 0 && old?.epochs.tx !== 0);
    if (old === undefined || !untouched) merged.set(id, row);
  }
  return merged;
}

function parseCounters(bytes: Buffer): ReadonlyMap<string, PortCounters> {
  const found = new Map<string, PortCounters>();
  if (bytes.length < HEADER || bytes.toString('latin1', 0, 8) !== MAGIC) return found;
  const size = bytes.readUInt32LE(8);
  const slots = bytes.readUInt32LE(12);
  if (size < 96) return found;
  for (let slot = 0; slot < slots; slot++) {
    const at = HEADER + slot * size;
    if (at + size > bytes.length) break;
    const row = bytes.subarray(at, at + size);
    const end = row.indexOf(0);
    if (end <= 0 || end >= ID_BYTES) continue;
    found.set(row.toString('utf8', 0, end), parseSlot(row));
  }
  return found;
}

function parseSlot(row: Buffer): PortCounters {
  const sent = row.readBigUInt64LE(56);
  const received = row.readBigUInt64LE(80);
  return {
    ssrc: row.readUInt32LE(48),
    rtcpIndex: row.readUInt32LE(72),
    epochs: { tx: row.readUInt32LE(76), rx: row.readUInt32LE(92) },
    ...(sent === NONE
      ? {}
      : {
          sent: {
            index: Number(sent),
            timestamp: row.readUInt32LE(52),
            monoMs: Number(row.readBigInt64LE(64) / 1_000_000n),
          },
        }),
    ...(received === NONE
      ? {}
      : { received: { ssrc: row.readUInt32LE(88), index: Number(received) } }),
  };
}
