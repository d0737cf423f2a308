import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { until } from '@offhook/test-sipp';

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** QEMU's machine protocol, as far as the tests use it. */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  readonly #events: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line) as Reply & { event?: string };
      if (message.event !== undefined) this.#events.push(message.event);
      else if ('return' in message || 'error' in message) this.#waiting.shift()?.(message);
    });
  }

  static async connect(path: string): Promise<Qmp> {
    const socket = await until(
      'QEMU to take commands',
      async () => {
        const attempt = connect(path);
        try {
          await once(attempt, 'connect');
          return attempt;
        } catch {
          return undefined;
        }
      },
      { within: 10_000, every: 50 },
    );
    const qmp = new Qmp(socket);
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.push(resolve);
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    const reply = await promise;
    if (reply.error !== undefined) throw new Error(`QEMU refuses ${command}: ${reply.error.desc}`);
    return reply.return;
  }

  /** Waits until that has happened, perhaps before. */
  async event(name: string, within: number): Promise<void> {
    await until(`QEMU's event ${name}`, () => this.#events.includes(name), {
      within,
      seen: () => `there were ${this.#events.join(', ')}`,
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
