import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';

/** Finds the address from which a peer is reached. */
export interface AddressFinder {
  /** The local address towards this peer; without one, that of the default route. */
  towards(peer: string | undefined): Promise<string>;
}

/** TEST-NET-2 and the documentation prefix (RFC 5737, RFC 3849): routed like any other, sent nothing. */
const ANYWHERE_IPV4 = '198.51.100.1';
const ANYWHERE_IPV6 = '2001:db8::1';

/**
 * Asks the kernel's routing by connecting a UDP socket, which sends nothing. Where there is no
 * route at all, media can only stay on this machine.
 */
export const kernelAddressFinder: AddressFinder = {
  async towards(peer) {
    if (peer !== undefined) {
      const found = await localAddressTo(peer);
      if (found !== undefined) return found;
    }
    if (isIP(peer ?? '') !== 6) {
      return (
        (await localAddressTo(ANYWHERE_IPV4)) ??
        (await localAddressTo(ANYWHERE_IPV6)) ??
        '127.0.0.1'
      );
    }
    return (await localAddressTo(ANYWHERE_IPV6)) ?? '::1';
  },
};

/** Undefined where the kernel has no route. */
async function localAddressTo(peer: string): Promise<string | undefined> {
  const socket = createSocket(isIP(peer) === 6 ? 'udp6' : 'udp4');
  try {
    await connected(socket, peer);
    const { address } = socket.address();
    // A link-local address is told without its zone and would be of no use to the peer.
    return address.includes('%') ? undefined : address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

function connected(socket: Socket, peer: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.once('connect', resolve);
  // Any port will do for what is never sent. A callback would be given the error, and no event.
  socket.connect(9, peer);
  return promise;
}
