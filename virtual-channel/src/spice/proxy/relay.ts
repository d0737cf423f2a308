import type { Socket } from 'node:net';
import { pipeline, type Transform, type Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { MessageRecords } from './message-records.ts';

/**
 * What each socket reads or takes ahead. With Node's own 64 KiB (16 KiB with TLS) each image stops and
 * starts both sides once more, which costs a fifth of the processor time.
 */
export const RELAY_BYTES = 256 * 1024;

/** How long the last bytes have to leave once the other side is gone, milliseconds. */
const FLUSH_MS = 1000;

export interface RelayFilters {
  readonly toViewer: Transform;
  readonly toServer: Transform;
}

/**
 * Passes everything between the two until either goes; then the other goes too, with what it still
 * had to get. Buffers are handed on as they are, and a side that does not read holds the other up.
 * Resolves when both are gone.
 */
export async function relay(viewer: Socket, server: Socket, filters?: RelayFilters): Promise<void> {
  // Two pipes with a filter each listen to more than Node's usual ten.
  for (const socket of [viewer, server]) socket.setMaxListeners(30);
  const toViewer = viewer instanceof TLSSocket ? new MessageRecords(viewer) : viewer;
  connect(server, toViewer, filters?.toViewer);
  connect(viewer, server, filters?.toServer);
  await Promise.all([follow(viewer, server, server), follow(server, viewer, toViewer)]);
}

function connect(from: Socket, to: Writable, filter: Transform | undefined): void {
  if (filter === undefined) {
    from.pipe(to);
    return;
  }
  pipeline(from, filter, to, (error) => {
    if (error === null || error === undefined) return;
    from.destroy();
    to.destroy();
  });
}

/** Resolves when `socket` has closed; `other` is then made to, by way of what is written into. */
function follow(socket: Socket, other: Socket, into: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onClose = () => {
    into.end();
    const timer = setTimeout(() => other.destroy(), FLUSH_MS);
    other.once('close', () => clearTimeout(timer));
    if (other.closed) clearTimeout(timer);
    resolve();
  };
  if (socket.closed) onClose();
  else socket.once('close', onClose);
  return promise;
}
