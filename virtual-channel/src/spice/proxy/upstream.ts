import type { Socket } from 'node:net';
import { OffhookError, withDeadline } from '@offhook/common';
import { linkError } from '../link-errors.ts';
import {
  announcedLength,
  AUTH_MECHANISM_SPICE,
  decodeLinkReply,
  encodeLinkRequest,
  encryptTicket,
  LINK_HEADER_BYTES,
  type LinkReply,
  type LinkRequest,
} from '../link.ts';
import { CommonCap } from '../messages.ts';
import { bySecurity, connectSource, type SessionOptions } from '../session.ts';
import { SocketReader } from '../../socket-reader.ts';
import { RELAY_BYTES } from './relay.ts';

/** One channel's connection to the real server, half-way through its link: the ticket is missing. */
export interface Upstream {
  readonly socket: Socket;
  /** What the server can do on this channel, bit numbers. */
  readonly channelCaps: readonly number[];
  /**
   * Hands in the ticket. After it the socket belongs to the caller, who closes it.
   *
   * @throws OffhookError layer `channel`, `spice-…` by authentication code; `timeout`, `closed`.
   */
  authenticate(password: string): Promise<void>;
}

/** @throws OffhookError layer `channel`: those of `connectChannel`, and `spice-…` by link code. */
export function openUpstream(options: SessionOptions, request: LinkRequest): Promise<Upstream> {
  return bySecurity(options.source, request.channelType, async (secure) => {
    const { socket, peer } = await connectSource(options, secure, { highWaterMark: RELAY_BYTES });
    socket.on('error', () => undefined);
    const reader = new SocketReader(socket);
    const within = <T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> =>
      withDeadline(
        {
          layer: 'channel',
          what: `the SPICE link with ${peer.description}`,
          ms: options.timeoutMs,
          signal: options.signal,
        },
        run,
      ).catch((error: unknown) => {
        socket.destroy();
        throw error;
      });

    const reply = await within((signal) => askForLink(socket, reader, request, signal));
    return {
      socket,
      channelCaps: reply.channelCaps,
      authenticate: (password) =>
        within(async (signal) => {
          if (reply.commonCaps.includes(CommonCap.authSelection))
            socket.write(AUTH_MECHANISM_SPICE);
          socket.write(encryptTicket(reply.publicKey, password));
          const result = await reader.read(4, signal);
          reader.release();
          const code = new DataView(result.buffer, result.byteOffset, 4).getUint32(0, true);
          if (code !== 0) throw linkError(code, 'authentication');
        }),
    };
  });
}

async function askForLink(
  socket: Socket,
  reader: SocketReader,
  request: LinkRequest,
  signal: AbortSignal,
): Promise<LinkReply> {
  socket.write(encodeLinkRequest(request));
  const length = announcedLength(await reader.read(LINK_HEADER_BYTES, signal));
  const reply = decodeLinkReply(await reader.read(length, signal));
  if (reply.error !== 0) throw linkError(reply.error, 'link reply');
  const { commonCaps } = reply;
  if (!commonCaps.includes(CommonCap.miniHeader)) {
    throw new OffhookError(
      'channel',
      'spice-no-mini-header',
      'the SPICE server is too old: it has no mini headers',
    );
  }
  if (commonCaps.includes(CommonCap.authSelection) && !commonCaps.includes(CommonCap.authSpice)) {
    throw new OffhookError(
      'channel',
      'spice-sasl-only',
      'the SPICE server only takes SASL authentication, which does not go through Offhook',
      { remedy: 'let the server take tickets too, or open the desktop with remote-viewer itself' },
    );
  }
  return reply;
}
