import { Emitter } from '@offhook/common';
import type { Subscription } from '@offhook/signaling';
import type { Line } from '../call/call-manager.ts';
import { MESSAGE_SUMMARY, parseMessageSummary, type MessageSummary } from './message-summary.ts';

export interface Mailbox extends MessageSummary {
  /** Address of record of the line. */
  readonly account: string;
}

/**
 * Messages that wait (RFC 3842): by subscription where the configuration says so, and as PBXs tell
 * them unasked.
 */
export class Mailboxes {
  readonly events = new Emitter<{ changed: Mailbox }>();
  readonly #boxes = new Map<string, Mailbox>();
  readonly #subscribed = new Map<string, Subscription>();

  list(): readonly Mailbox[] {
    return [...this.#boxes.values()];
  }

  /** Takes what is told unasked. */
  listen(line: Line): void {
    line.account.onRequest('NOTIFY', (request) => {
      const { body } = request;
      const event = request.headers('event')[0]?.split(';', 1)[0]?.trim().toLowerCase();
      if (event !== 'message-summary') return undefined;
      if (body?.type !== MESSAGE_SUMMARY) return { status: 415 };
      this.#told(line.config.aor, body.content);
      return { status: 200 };
    });
  }

  subscribe(line: Line, target: string): void {
    const { aor } = line.config;
    if (this.#subscribed.has(aor)) return;
    const subscription = line.account.subscribe(target, {
      event: 'message-summary',
      accept: [MESSAGE_SUMMARY],
    });
    this.#subscribed.set(aor, subscription);
    subscription.on('notify', ({ body }) => {
      if (body?.type === MESSAGE_SUMMARY) this.#told(aor, body.content);
    });
  }

  #told(account: string, body: string): void {
    const summary = parseMessageSummary(body);
    if (summary === undefined) return;
    const mailbox = { account, ...summary };
    this.#boxes.set(account, mailbox);
    this.events.emit('changed', mailbox);
  }
}
