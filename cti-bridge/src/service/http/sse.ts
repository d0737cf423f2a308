import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@offhook/common';
import type { Principal } from '../access.ts';
import type { Metrics } from '../metrics.ts';
import type { Office } from '../office.ts';
import { entryJson, type LogEntry, type Position } from '../wire.ts';
import { LAST_WORD_MS, UnreadLimit } from './unread.ts';

export interface StreamOptions {
  readonly office: Office;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly who: Principal;
  readonly maxUnread: number;
}

const KEEP_ALIVE_MS = 20_000;

/**
 * Server-sent events (WHATWG HTML §9.2). The id of each is `epoch:seq`, so that a browser's own
 * reconnect goes on where it was.
 */
export function streamEvents(
  options: StreamOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { office, who, maxUnread, metrics, logger } = options;
  const limit = new UnreadLimit(maxUnread);
  const write = (event: string, position: Position, data: string, start = false) => {
    if (response.destroyed || response.writableEnded) return;
    const id = `${position.epoch}:${position.seq}`;
    const text = `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
    if (start) limit.begin(text.length);
    // Whoever does not read loses the connection, not the events: it can come back with the last id.
    if (limit.exceededBy(response.writableLength)) {
      metrics.dropped.inc();
      logger.warn({ principal: who.name }, 'a reader of events does not read: disconnected');
      subscription.close();
      // Without an id: it goes on after the last event that it has read.
      response.end('event: unread\ndata: {"reason":"too much waits that is not read"}\n\n');
      const giveUp = setTimeout(() => response.destroy(), LAST_WORD_MS);
      response.once('close', () => clearTimeout(giveUp));
    } else {
      response.write(text);
    }
  };
  const tell = (entry: LogEntry, start = false) =>
    write('event', { epoch: subscription.position.epoch, seq: entry.seq }, entryJson(entry), start);
  const subscription = office.subscribe(who, lastEventId(request), {
    entry: (entry) => tell(entry),
    restart: () => response.end(),
  });
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  const { snapshot, position, missed } = subscription;
  if (snapshot === undefined) response.write(':\n\n');
  else write('snapshot', position, JSON.stringify({ ...position, ...snapshot }), true);
  for (const entry of missed) tell(entry, true);
  const alive = setInterval(() => {
    if (!response.writableEnded) response.write(':\n\n');
  }, KEEP_ALIVE_MS);
  const expiry = office.atExpiry(who, () => response.end());
  response.once('close', () => {
    expiry.cancel();
    clearInterval(alive);
    subscription.close();
  });
}

function lastEventId(request: IncomingMessage): Position | undefined {
  const header = request.headers['last-event-id'];
  const match = /^([\w-]{1,64}):(\d{1,15})$/.exec(typeof header === 'string' ? header : '');
  return match?.[1] === undefined ? undefined : { epoch: match[1], seq: Number(match[2]) };
}
