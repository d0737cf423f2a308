import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { AmiReader, type AmiPacket } from '../../src/asterisk/ami-packet.ts';

/** A manager interface that says what a test wants; for what a real Asterisk cannot be made to do. */
export class FakeManager {
  readonly port: number;
  readonly received: AmiPacket[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What an action is answered with; without an answer there is none. */
  readonly #answers: Readonly<Record<string, (packet: AmiPacket) => string>>;

  private constructor(server: Server, answers: FakeManager['answers']) {
    this.#server = server;
    this.#answers = answers;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  get answers() {
    return this.#answers;
  }

  static async start(answers: FakeManager['answers'] = {}): Promise<FakeManager> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeManager(server, { ...LOGIN, ...answers });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  say(text: string | Buffer): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.write('Asterisk Call Manager/11.0.0\r\n');
    const reader = new AmiReader();
    socket.on('data', (chunk) => {
      reader.push(chunk, (packet) => {
        this.received.push(packet);
        const answer = this.#answers[packet['Action'] ?? ''];
        if (answer !== undefined) socket.write(answer(packet));
      });
    });
  }
}

export function ok(packet: AmiPacket, fields: Readonly<Record<string, string>> = {}): string {
  return block({ Response: 'Success', ActionID: packet['ActionID'] ?? '', ...fields });
}

export function block(fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${lines.join('')}\r\n`;
}

const LOGIN: FakeManager['answers'] = {
  Challenge: (packet) => ok(packet, { Challenge: '42' }),
  Login: (packet) => ok(packet),
};
