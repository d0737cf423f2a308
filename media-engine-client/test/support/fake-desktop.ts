import type { Socket } from 'node:net';
import { systemClock } from '@offhook/common';
import { connectMedia, type MediaConnection } from '@offhook/media-rpc';
import { Mux } from '@offhook/virtual-channel/mux';
import { portFromClient, portFromServer } from '../../../virtual-channel/src/spice/messages.ts';
import { PortStream } from '../../../virtual-channel/src/port-stream.ts';
import {
  FakeServer,
  frame,
  message,
  sendMain,
} from '../../../virtual-channel/test/spice/fake-server.ts';

export const PORT_NAME = 'org.offhook.engine.0';

/** A desktop whose guest has a phone that wants an engine: SPICE server and guest in one. */
export class FakeDesktop {
  readonly #server: FakeServer;
  #guest: Mux | undefined;
  #up = Promise.withResolvers<Mux>();

  private constructor(server: FakeServer) {
    this.#server = server;
  }

  static async start(): Promise<FakeDesktop> {
    const server = await FakeServer.start({
      serve: (socket, { channelType, connectionId }) => {
        if (channelType === 1) {
          if (connectionId === 0) desktop.#takeOver(socket);
          sendMain(socket, [{ type: 10, id: 0 }]);
        } else if (channelType === 10) {
          desktop.#openPort(socket);
        }
      },
    });
    const desktop = new FakeDesktop(server);
    return desktop;
  }

  get port(): number {
    return this.#server.port;
  }

  /** The guest's connection to an engine, once there is one. */
  async connect(instanceId: string): Promise<MediaConnection> {
    const mux = await this.#up.promise;
    return connectMedia(mux.open('media'), { instanceId, leaseMs: 30_000 });
  }

  stop(): void {
    this.#server.stop();
  }

  /** As spice-server does it: one client at a time. */
  #takeOver(main: Socket): void {
    for (const socket of this.#server.sockets) if (socket !== main) socket.destroy();
  }

  #openPort(socket: Socket): void {
    const name = Buffer.from(`${PORT_NAME}\0`);
    socket.write(message(portFromServer.init, { name, opened: 1 }));
    const stream = new PortStream(
      {
        get buffered() {
          return socket.writableLength;
        },
        write: (bytes) => socket.write(frame(portFromServer.data.type, bytes)),
        pause: () => void socket.pause(),
        resume: () => void socket.resume(),
      },
      { transport: 'port', description: 'the guest' },
    );
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 6 && rest.length >= 6 + rest.readUInt32LE(2)) {
        const end = 6 + rest.readUInt32LE(2);
        if (rest.readUInt16LE(0) === portFromClient.data.type)
          stream.receive(rest.subarray(6, end));
        rest = rest.subarray(end);
      }
    });
    socket.on('drain', () => stream.drained());
    socket.on('close', () => stream.end(undefined));
    this.#guest = new Mux(stream, { clock: systemClock });
    const mux = this.#guest;
    mux.on('up', () => this.#up.resolve(mux));
    mux.on('down', () => (this.#up = Promise.withResolvers<Mux>()));
  }
}
