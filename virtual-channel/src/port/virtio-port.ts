import { open, type FileHandle } from 'node:fs/promises';
import { OffhookError, type Clock } from '@offhook/common';
import type { Channel } from '../channel.ts';
import { bufferFullError } from '../channel-errors.ts';
import { PortStream, type PortCarrier } from '../port-stream.ts';

/** The file of a port, as blocking reads and writes see it. */
export interface PortFile {
  /** Bytes read; 0 while nobody has the other end. Blocks while somebody has, and says nothing. */
  read(into: Uint8Array): Promise<number>;
  /** Bytes taken, perhaps not all. Blocks while the other end takes none. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Opens `/dev/virtio-ports/NAME`, as only one process at a time can.
 *
 * @throws OffhookError layer `channel`: `no-port`, `port-busy`, `permission-denied`, `failed`.
 */
export async function openPortFile(path: string): Promise<PortFile> {
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    throw openError(path, error);
  }
  return {
    read: async (into) => (await file.read(into, 0, into.length, null)).bytesRead,
    write: async (bytes) => (await file.write(bytes, 0, bytes.length, null)).bytesWritten,
  };
}

export interface VirtioPortOptions {
  readonly file: PortFile;
  /** For people: the port's name. */
  readonly name: string;
  readonly clock: Clock;
  /** Somebody at the other end has said something. */
  readonly onChannel: (channel: Channel) => void;
  /** Bytes that may wait; 1 MiB. */
  readonly maxBuffered?: number;
}

const READ_BYTES = 64 * 1024;
/** How often to look whether somebody has opened the other end. */
const POLL_MS = 100;
const HIGH_WATER = 64 * 1024;

/**
 * A virtio port as channels, one after another. The kernel tells of no opening, only, by a read of
 * nothing, that nobody is there; so a life begins with the first bytes of the other end, and the other
 * end MUST speak first. A write that has begun cannot be taken back: it may reach the next life.
 */
export class VirtioPort {
  readonly #options: VirtioPortOptions;
  readonly #carrier: PortCarrier;
  #life: PortStream | undefined;
  #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #writing = false;
  #wantsDrain = false;
  #paused: PromiseWithResolvers<void> | undefined;
  #over = false;

  constructor(options: VirtioPortOptions) {
    this.#options = options;
    const buffered = () => this.#outboxBytes;
    this.#carrier = {
      get buffered() {
        return buffered();
      },
      write: (bytes) => this.#write(bytes),
      pause: () => (this.#paused ??= Promise.withResolvers<void>()),
      resume: () => {
        this.#paused?.resolve();
        this.#paused = undefined;
      },
    };
  }

  /**
   * Serves until the port itself is gone, or `close`.
   *
   * @throws OffhookError `channel/failed` when it can be read no more.
   */
  async run(): Promise<void> {
    const buffer = Buffer.alloc(READ_BYTES);
    while (!this.#over) {
      const count = await this.#read(buffer);
      if (this.#over) return;
      if (count > 0) await this.#received(Buffer.from(buffer.subarray(0, count)));
      else await this.#nobody();
    }
  }

  /** Ends the present life. A read or write that blocks stays blocked: the process has to end. */
  close(): void {
    this.#over = true;
    this.#endLife(undefined);
  }

  async #read(buffer: Buffer): Promise<number> {
    try {
      return await this.#options.file.read(buffer);
    } catch (cause) {
      const { name } = this.#options;
      const error = new OffhookError('channel', 'failed', `${name} cannot be read`, { cause });
      this.#over = true;
      this.#endLife(error);
      throw error;
    }
  }

  async #received(bytes: Buffer): Promise<void> {
    if (this.#life === undefined || this.#life.closed) {
      const { name, onChannel } = this.#options;
      this.#life = new PortStream(this.#carrier, {
        transport: 'port',
        description: `port ${name}`,
      });
      onChannel(this.#life);
    }
    this.#life.receive(bytes);
    await this.#paused?.promise;
  }

  async #nobody(): Promise<void> {
    const { name, clock } = this.#options;
    this.#endLife(
      new OffhookError('channel', 'no-client', `nobody has the other end of ${name}`, {
        remedy: 'connect the engine to this desktop: offhook-engine run --spice',
      }),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(POLL_MS, resolve);
    await promise;
  }

  #endLife(reason: OffhookError | undefined): void {
    this.#life?.end(reason);
    this.#life = undefined;
    this.#outbox = [];
    this.#outboxBytes = 0;
    this.#wantsDrain = false;
  }

  #write(bytes: Uint8Array): boolean {
    const { maxBuffered = 1024 * 1024, name } = this.#options;
    if (this.#outboxBytes + bytes.length > maxBuffered) {
      this.#endLife(bufferFullError(`port ${name}`, this.#outboxBytes));
      return false;
    }
    this.#outbox.push(bytes);
    this.#outboxBytes += bytes.length;
    if (this.#outboxBytes > HIGH_WATER) this.#wantsDrain = true;
    void this.#flush();
    return !this.#wantsDrain;
  }

  async #flush(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      for (;;) {
        const next = this.#outbox[0];
        if (next === undefined) break;
        const count = await this.#options.file.write(next);
        // The life may have ended meanwhile, and its queue with it.
        if (this.#outbox[0] !== next) continue;
        this.#outboxBytes -= count;
        if (count === next.length) this.#outbox.shift();
        else this.#outbox[0] = next.subarray(count);
      }
    } catch (cause) {
      const { name } = this.#options;
      this.#endLife(new OffhookError('channel', 'failed', `${name} takes no bytes`, { cause }));
    } finally {
      this.#writing = false;
    }
    if (this.#wantsDrain && this.#outboxBytes === 0) {
      this.#wantsDrain = false;
      this.#life?.drained();
    }
  }
}

function openError(path: string, error: unknown): OffhookError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, readonly [code: string, what: string, remedy: string]> = {
    ENOENT: ['no-port', 'the VM has no such port', 'add it to the VM’s configuration'],
    EBUSY: ['port-busy', 'another process has it', 'stop that process'],
    EACCES: ['permission-denied', 'no permission', 'let a udev rule give it to your group'],
  };
  const [name, what, remedy] = known[code] ?? ['failed', code, undefined];
  return new OffhookError('channel', name, `${path}: ${what}`, { cause: error, remedy });
}
