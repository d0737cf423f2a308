/** How many messages wait in a mailbox (RFC 3842). */
export interface MessageSummary {
  readonly waiting: boolean;
  readonly fresh: number;
  readonly old: number;
}

export const MESSAGE_SUMMARY = 'application/simple-message-summary';

/** Undefined for what is none. */
export function parseMessageSummary(body: string): MessageSummary | undefined {
  const waiting = /^messages-waiting\s*:\s*(yes|no)\s*$/im.exec(body)?.[1]?.toLowerCase();
  if (waiting === undefined) return undefined;
  const [, fresh, old] = /^voice-message\s*:\s*(\d{1,6})\s*\/\s*(\d{1,6})/im.exec(body) ?? [];
  return {
    waiting: waiting === 'yes',
    fresh: fresh === undefined ? Number(waiting === 'yes') : Number(fresh),
    old: Number(old ?? 0),
  };
}
