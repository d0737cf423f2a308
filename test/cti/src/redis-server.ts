import { join } from 'node:path';
import { freePort, ManagedProcess, releasePorts } from '@offhook/test-sipp';

/** A Redis of the test's own, which writes everything down at once and can be killed. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  readonly #persistent: boolean;
  #process: ManagedProcess;

  private constructor(port: number, directory: string, persistent: boolean) {
    this.port = port;
    this.#directory = directory;
    this.#persistent = persistent;
    this.#process = this.#spawn();
  }

  /** `persistent`: what was acknowledged survives a restart. */
  static async start(
    directory: string,
    options: { persistent?: boolean } = {},
  ): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), directory, options.persistent ?? false);
    await server.#ready();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Dies without a word. */
  async kill(): Promise<void> {
    this.#process.killNow();
    await this.#process.exited;
  }

  async again(): Promise<void> {
    this.#process = this.#spawn();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    releasePorts(this.port, 1);
  }

  #spawn(): ManagedProcess {
    const persistence = this.#persistent
      ? ['--appendonly', 'yes', '--appendfsync', 'always']
      : ['--appendonly', 'no'];
    return new ManagedProcess({
      name: 'redis-server',
      command: 'redis-server',
      args: [
        '--port',
        String(this.port),
        '--bind',
        '127.0.0.1',
        '--dir',
        this.#directory,
        '--save',
        '',
        ...persistence,
      ],
      logFile: join(this.#directory, 'redis.log'),
    });
  }

  async #ready(): Promise<void> {
    await this.#process.ready(/Ready to accept connections/, { within: 10_000 });
  }
}
