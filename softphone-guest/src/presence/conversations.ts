import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describeError, Emitter, OffhookError, type Clock, type Logger } from '@offhook/common';
import { z } from 'zod';
import type { Line } from '../call/call-manager.ts';

const storedMessage = z.object({
  id: z.string(),
  /** Wall clock, ms since the epoch. */
  at: z.number(),
  account: z.string(),
  direction: z.enum(['in', 'out']),
  peer: z.string(),
  peerName: z.string().nullable(),
  type: z.string(),
  text: z.string(),
  /** Of ours: `sending` that a process did not see the end of stays so. */
  state: z.enum(['received', 'sending', 'sent', 'failed']),
  reason: z.string().nullable(),
});

export type StoredMessage = z.output<typeof storedMessage>;

export interface ConversationsParts {
  /** A line of JSON for each change of a message. */
  readonly path: string;
  readonly lines: readonly Line[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So many are kept, and so long ones are. */
const MAX_MESSAGES = 5000;
const MAX_TEXT = 4096;
const SEND_DEADLINE_MS = 40_000;

/** Text messages (RFC 3428), both ways, over restarts. */
export class Conversations {
  readonly events = new Emitter<{ changed: StoredMessage }>();
  readonly #parts: ConversationsParts;
  #messages: Map<string, StoredMessage>;
  #written = true;

  constructor(parts: ConversationsParts) {
    this.#parts = parts;
    this.#messages = this.#read();
    for (const line of parts.lines) {
      line.account.on('message', ({ from, displayName, body }) =>
        this.#put({
          ...this.#new(line, from),
          direction: 'in',
          peerName: displayName ?? null,
          type: body.type,
          text: body.content.slice(0, MAX_TEXT),
          state: 'received',
        }),
      );
    }
  }

  /** Newest first; of one peer (its URI, or a part of it), or all. */
  list(options: { readonly with?: string | undefined; readonly limit: number }): StoredMessage[] {
    const peer = options.with?.toLowerCase();
    return [...this.#messages.values()]
      .toReversed()
      .filter((one) => peer === undefined || one.peer.toLowerCase().includes(peer))
      .slice(0, options.limit);
  }

  /** Resolves when it was taken; rejects with the refusal, or when nothing answers. */
  async send(
    line: Line,
    target: string,
    text: string,
    signal: AbortSignal,
  ): Promise<StoredMessage> {
    const message: StoredMessage = {
      ...this.#new(line, target),
      direction: 'out',
      peerName: null,
      type: 'text/plain',
      text,
      state: 'sending',
    };
    this.#put(message);
    const failed = (reason: string): void => this.#put({ ...message, state: 'failed', reason });
    try {
      const answer = await line.account.request('MESSAGE', target, {
        body: { type: 'text/plain;charset=UTF-8', content: text },
        signal: AbortSignal.any([signal, AbortSignal.timeout(SEND_DEADLINE_MS)]),
      });
      if (answer.status >= 300) {
        throw new OffhookError('call', 'refused', `${target}: ${answer.reason}`, {
          details: { status: answer.status },
        });
      }
    } catch (error) {
      failed(describeError(error));
      throw error;
    }
    const sent: StoredMessage = { ...message, state: 'sent' };
    this.#put(sent);
    return sent;
  }

  #new(line: Line, peer: string): Pick<StoredMessage, 'id' | 'at' | 'account' | 'peer' | 'reason'> {
    const at = this.#parts.clock.wall();
    return { id: randomUUID(), at, account: line.config.aor, peer, reason: null };
  }

  #put(message: StoredMessage): void {
    this.#messages.set(message.id, message);
    if (this.#messages.size > MAX_MESSAGES) {
      const [oldest] = this.#messages.keys();
      if (oldest !== undefined) this.#messages.delete(oldest);
    }
    this.#write(() =>
      appendFileSync(this.#parts.path, `${JSON.stringify(message)}\n`, { mode: 0o600 }),
    );
    this.events.emit('changed', message);
  }

  /** What is there, without lines that are none; the file is made as short as it can be. */
  #read(): Map<string, StoredMessage> {
    const { path } = this.#parts;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return new Map();
    }
    const messages = new Map<string, StoredMessage>();
    const rows = text.split('\n').filter((row) => row !== '');
    for (const row of rows) {
      const message = parse(row);
      if (message !== undefined) messages.set(message.id, message);
    }
    const kept = new Map([...messages].slice(-MAX_MESSAGES));
    if (kept.size < rows.length) {
      const lines = [...kept.values()].map((message) => `${JSON.stringify(message)}\n`).join('');
      this.#write(() => {
        writeFileSync(`${path}.new`, lines, { mode: 0o600 });
        renameSync(`${path}.new`, path);
      });
    }
    return kept;
  }

  /** A disk that is full costs the store, not the message. */
  #write(work: () => void): void {
    try {
      work();
      this.#written = true;
    } catch (error) {
      if (this.#written) {
        const reason = describeError(error);
        this.#parts.logger.warn({ reason }, 'messages are not kept over a restart');
      }
      this.#written = false;
    }
  }
}

function parse(row: string): StoredMessage | undefined {
  try {
    const parsed = storedMessage.safeParse(JSON.parse(row));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
