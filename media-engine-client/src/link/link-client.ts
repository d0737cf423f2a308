import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  connectControl,
  exited,
  isOffhookError,
  OffhookError,
  withDeadline,
  type ControlClient,
} from '@offhook/common';
import { desktopName, type SpiceSource } from '@offhook/virtual-channel/spice';
import { linkLog, linkSocket } from '../daemon-paths.ts';
import { LINK_CHANGED, linkMethods, linkReport, type LinkReport } from './api.ts';

/** Milliseconds in which a link that is started has to be there. */
const START_MS = 10_000;
/** Milliseconds; nothing that a link is asked takes long. */
const ANSWER_MS = 10_000;
/** The longest that a timer takes, 24 days; attendance is renewed then. */
const ATTEND_MS = 2 ** 31 - 1;

export interface LinkPlace {
  readonly stateDir: string;
  /** How this program is started again: the words before `link`. */
  readonly command: readonly string[];
}

/** The same for every ticket of a desktop, and fit for a file name. */
export function linkId(source: SpiceSource): string {
  return createHash('sha256').update(desktopName(source)).digest('hex').slice(0, 12);
}

/** One who has to do with the link of a desktop: a viewer's start, or the engine. */
export class LinkClient {
  readonly #client: ControlClient;

  private constructor(client: ControlClient) {
    this.#client = client;
  }

  /**
   * Connects to the link of that desktop; starts it if there is none.
   *
   * @throws OffhookError `control/link-failed` when it does not start, `control/timeout`.
   */
  static async open(place: LinkPlace, id: string, port: string): Promise<LinkClient> {
    const found = await connect(place.stateDir, id);
    if (found !== undefined) return new LinkClient(found);
    await start(place, id, port);
    const started = await connect(place.stateDir, id);
    if (started === undefined) throw failed(place.stateDir, id);
    return new LinkClient(started);
  }

  async use(desktop: string, ticket: string | undefined): Promise<void> {
    await this.#client.call('use', { desktop, ticket }, { timeoutMs: ANSWER_MS });
  }

  /** The `.vv` file for a viewer, good until this client closes. */
  async admit(): Promise<string> {
    const { result } = linkMethods.admit;
    const { id, file } = await this.#client.call('admit', {}, { result, timeoutMs: ANSWER_MS });
    this.#attend({ as: 'viewer', admission: id });
    return file;
  }

  /** The port is kept open without a viewer too, until this client closes. */
  keepHeadless(): void {
    this.#attend({ as: 'engine' });
  }

  /** Called with each report from now on. */
  async follow(listener: (report: LinkReport) => void): Promise<void> {
    this.#client.on(LINK_CHANGED, (params) => {
      const parsed = linkReport.safeParse(params);
      if (parsed.success) listener(parsed.data);
    });
    await this.#client.subscribe([LINK_CHANGED], { timeoutMs: ANSWER_MS });
  }

  onClose(listener: (error: OffhookError | undefined) => void): () => void {
    return this.#client.onClose(listener);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #attend(params: object): void {
    this.#client.call('attend', params, { timeoutMs: ATTEND_MS }).catch((error: unknown) => {
      // Whatever else ends it shows in `onClose`.
      if (isOffhookError(error, 'timeout')) this.#attend(params);
    });
  }
}

async function connect(stateDir: string, id: string): Promise<ControlClient | undefined> {
  try {
    return await connectControl(linkSocket(stateDir, id));
  } catch (error) {
    if (isOffhookError(error, 'not-reachable')) return undefined;
    throw error;
  }
}

/** A process of its own that outlives us; it logs to a file, because we may end before it. */
async function start({ stateDir, command }: LinkPlace, id: string, port: string): Promise<void> {
  const [program = process.execPath, ...words] = command;
  const path = linkLog(stateDir, id);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const log = openSync(path, 'w', 0o600);
  try {
    const child = spawn(
      program,
      [...words, 'link', '--id', id, '--port', port, '--state-dir', stateDir],
      { detached: true, stdio: ['ignore', 'pipe', log] },
    );
    const ready = Promise.withResolvers<void>();
    child.stdout?.once('data', () => ready.resolve());
    const ended = exited(child).then(() => {
      throw failed(stateDir, id);
    });
    await withDeadline({ layer: 'control', what: 'starting the link', ms: START_MS }, () =>
      Promise.race([ready.promise, ended]),
    );
    ended.catch(() => undefined);
    child.stdout?.destroy();
    child.unref();
  } finally {
    closeSync(log);
  }
}

function failed(stateDir: string, id: string): OffhookError {
  return new OffhookError('control', 'link-failed', 'the link to the desktop does not start', {
    remedy: `see ${linkLog(stateDir, id)}`,
  });
}
