import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** proc(5), `/proc/net/tcp`: one line a connection. */
const TABLE = '/proc/net/tcp';
/** 127.0.0.1 as it is written there on a little-endian machine. */
const LOOPBACK = '0100007F';

/**
 * The user at the other end of a loopback connection, by the kernel's table of connections; undefined
 * when it is not in there (it has closed already) or there is no such table.
 */
export async function peerUser({ localPort, remotePort }: Socket): Promise<number | undefined> {
  const table = await readFile(TABLE, 'latin1').catch(() => '');
  return userOf(table, remotePort ?? 0, localPort ?? 0);
}

/** The user of the connection from one loopback port to another. */
export function userOf(table: string, from: number, to: number): number | undefined {
  const [local, remote] = [endpoint(from), endpoint(to)];
  for (const line of table.split('\n')) {
    // sl, local, remote, state, queues, timer, retransmits, uid
    const fields = line.trim().split(/\s+/u);
    if (fields[1] === local && fields[2] === remote) return Number(fields[7]);
  }
  return undefined;
}

function endpoint(port: number): string {
  return `${LOOPBACK}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}
