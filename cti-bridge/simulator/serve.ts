import { createServer, type AddressInfo, type Socket } from 'node:net';
import { CstaFrameReader, encodeFrame } from '../src/csta/tcp-link.ts';
import { CstaSpeaker } from './speaker.ts';
import type { SimEvent, SimSwitch } from './switch.ts';

const EVENT_ID = 9999;

/** A simulated switch that is served. */
export interface ServedSwitch {
  /** Of the loopback address. */
  readonly port: number;
  readonly switch: SimSwitch;
  /** Cuts every connection, as a network does. */
  dropLinks(): void;
  close(): Promise<void>;
}

/** Serves a switch with these phones as CSTA-XML over TCP (ECMA-323 Annex J) on the loopback. */
export async function serveSwitch(
  names: readonly string[],
  /** Hears what happens at the phones, as the monitors do. */
  onEvent: (event: SimEvent) => void = () => undefined,
): Promise<ServedSwitch> {
  const sockets = new Set<Socket>();
  const speaker = new CstaSpeaker(names, (_, xml) => {
    for (const socket of sockets) socket.write(encodeFrame({ invokeId: EVENT_ID, xml }));
  });
  speaker.onEvent = onEvent;
  const server = createServer((socket) => {
    const reader = new CstaFrameReader();
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      reader.push(chunk, ({ invokeId, xml }) => {
        socket.write(encodeFrame({ invokeId, xml: speaker.serve(xml) }));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dropLinks = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    switch: speaker.switch,
    dropLinks,
    async close() {
      dropLinks();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
