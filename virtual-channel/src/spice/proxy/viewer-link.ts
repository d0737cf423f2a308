import type { Socket } from 'node:net';
import { isOffhookError, OffhookError } from '@offhook/common';
import { linkErrorNumber } from '../link-errors.ts';
import { announcedLength, LINK_HEADER_BYTES } from '../link.ts';
import { CommonCap } from '../messages.ts';
import type { SpiceSource } from '../source.ts';
import {
  decodeLinkRequest,
  encodeLinkRefusal,
  encodeLinkReply,
  ENCRYPTED_TICKET_BYTES,
  type TicketKey,
  type ViewerRequest,
} from './link-server.ts';
import { SocketReader } from '../../socket-reader.ts';
import { openUpstream, type Upstream } from './upstream.ts';
import type { ServerTicket, ViewerTickets } from './viewer-tickets.ts';

export interface MeetingOptions {
  readonly key: TicketKey;
  readonly tickets: ViewerTickets;
  readonly source: SpiceSource;
  /** Milliseconds for each step with the server. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The viewer has shown its ticket; the server is asked next. */
  readonly onAdmitted: (request: ViewerRequest) => void;
  /** The server cannot be reached, or says no. */
  readonly onRefused: (request: ViewerRequest, error: unknown) => void;
}

/** A viewer's channel and the server's, both linked. */
export interface Meeting {
  readonly request: ViewerRequest;
  readonly server: Socket;
}

/** SPICE_LINK_ERR_PERMISSION_DENIED. */
const PERMISSION_DENIED = 7;
/** SPICE_LINK_ERR_VERSION_MISMATCH. */
const VERSION_MISMATCH = 4;

/**
 * Links a viewer's channel with us and, with the same capabilities, us with the server. What the
 * server says no to is what the viewer is told.
 *
 * @throws OffhookError layer `channel`; the viewer has been told, and its socket ends.
 */
export async function meetViewer(viewer: Socket, options: MeetingOptions): Promise<Meeting> {
  const reader = new SocketReader(viewer);
  const { signal } = options;
  const length = announcedLength(await reader.read(LINK_HEADER_BYTES, signal));
  const request = decodeLinkRequest(await reader.read(length, signal));
  if (!request.commonCaps.includes(CommonCap.miniHeader)) {
    viewer.end(encodeLinkRefusal(VERSION_MISMATCH));
    throw new OffhookError('channel', 'spice-no-mini-header', 'the viewer is too old');
  }
  const server = await reach(viewer, request, options);
  try {
    viewer.write(encodeLinkReply(options.key.publicKey, server.channelCaps));
    if (request.commonCaps.includes(CommonCap.authSelection)) await reader.read(4, signal);
    const shown = options.key.decrypt(await reader.read(ENCRYPTED_TICKET_BYTES, signal));
    const ticket = shown === undefined ? undefined : options.tickets.resolve(shown);
    await handIn(viewer, server, ticket, { ...options, request });
    reader.release();
    return { request, server: server.socket };
  } catch (error) {
    server.socket.destroy();
    throw error;
  }
}

async function reach(
  viewer: Socket,
  request: ViewerRequest,
  { source, timeoutMs, signal, onRefused }: MeetingOptions,
): Promise<Upstream> {
  try {
    return await openUpstream({ source, timeoutMs, signal }, request);
  } catch (error) {
    onRefused(request, error);
    viewer.end(encodeLinkRefusal(linkErrorNumber(error)));
    throw error;
  }
}

/** The result of the ticket, u32, SPICE_LINK_ERR_*. */
async function handIn(
  viewer: Socket,
  server: Upstream,
  ticket: ServerTicket | undefined,
  { tickets, request, onAdmitted, onRefused }: MeetingOptions & { readonly request: ViewerRequest },
): Promise<void> {
  if (ticket === undefined) {
    viewer.end(result(PERMISSION_DENIED));
    throw new OffhookError('channel', 'spice-permission-denied', 'not a viewer that we started');
  }
  onAdmitted(request);
  try {
    await server.authenticate(ticket.password);
  } catch (error) {
    onRefused(request, error);
    if (isOffhookError(error, 'spice-permission-denied')) tickets.refuse();
    viewer.end(result(linkErrorNumber(error)));
    throw error;
  }
  tickets.accept(ticket);
  viewer.write(result(0));
}

function result(code: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, code, true);
  return bytes;
}
