import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OffhookError, silentLogger, systemClock } from '@offhook/common';
import type { GuestConfig } from '../../src/config.ts';
import { startDaemon, type Daemon, type DaemonParts } from '../../src/daemon.ts';
import { loadSqlite } from '../../src/journal/sqlite.ts';
import { guestPaths, type Paths } from '../../src/paths.ts';
import { FakeEngine } from './fake-engine.ts';
import { guestConfig } from './fake-phone.ts';
import { FakeUserAgent, type FakeAccount } from './fake-sip.ts';

/** A real daemon with a real control socket; only the far end and the engine are in memory. */
export class FakeDaemon {
  readonly dir = mkdtempSync(join(tmpdir(), 'offhook-daemon-'));
  readonly paths: Paths = guestPaths({ stateDir: this.dir, config: '/etc/offhook.toml' });
  engine: FakeEngine | undefined = new FakeEngine();
  readonly #config: GuestConfig;
  #daemon: Daemon | undefined;
  #userAgent: FakeUserAgent | undefined;

  constructor(config: GuestConfig = guestConfig()) {
    this.#config = config;
  }

  async start(parts: Partial<Pick<DaemonParts, 'config' | 'reload'>> = {}): Promise<Daemon> {
    const daemon = await startDaemon({
      config: this.#config,
      ...parts,
      paths: this.paths,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger,
      sqlite: loadSqlite,
      createUserAgent: (options) => Promise.resolve((this.#userAgent = new FakeUserAgent(options))),
      connectEngine: () =>
        this.engine === undefined
          ? Promise.reject(new OffhookError('channel', 'not-reachable', 'nothing listens'))
          : Promise.resolve(this.engine.connect()),
    });
    this.#daemon = daemon;
    return daemon;
  }

  get userAgent(): FakeUserAgent {
    if (this.#userAgent === undefined) throw new Error('not started');
    return this.#userAgent;
  }

  get account(): FakeAccount {
    const [first] = this.userAgent.accounts;
    if (first === undefined) throw new Error('no account');
    return first;
  }

  async stop(): Promise<void> {
    await this.#daemon?.close();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
