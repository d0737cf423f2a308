import { z } from 'zod';
import { parseXml } from './xml.ts';

/** Who has a call with whom, as a phone or PBX tells its watchers (RFC 4235). */
export interface WatchedDialog {
  readonly id: string;
  readonly state: 'trying' | 'proceeding' | 'early' | 'confirmed' | 'terminated';
  readonly direction: 'initiator' | 'recipient' | undefined;
  /** As the watched phone has them: enough for Replaces, if it tells them. */
  readonly callId: string | undefined;
  readonly localTag: string | undefined;
  readonly remoteTag: string | undefined;
  /** The other party. */
  readonly remote: { readonly uri: string; readonly name: string | undefined } | undefined;
}

export interface DialogTable {
  readonly version: number;
  readonly dialogs: readonly WatchedDialog[];
}

export const DIALOG_INFO = 'application/dialog-info+xml';
const MAX_DIALOGS = 100;

const text = z
  .union([z.string(), z.object({ '#text': z.string().default('') })])
  .transform((one) => (typeof one === 'string' ? one : one['#text']));
const party = z.object({
  identity: z
    .union([
      z.string().transform((uri) => ({ '#text': uri, '@display': undefined })),
      z.object({ '#text': z.string(), '@display': z.string().optional() }),
    ])
    .optional(),
});
const dialog = z.object({
  '@id': z.string(),
  '@direction': z.enum(['initiator', 'recipient']).optional().catch(undefined),
  '@call-id': z.string().optional(),
  '@local-tag': z.string().optional(),
  '@remote-tag': z.string().optional(),
  state: text.pipe(z.enum(['trying', 'proceeding', 'early', 'confirmed', 'terminated'])),
  remote: party.optional().catch(undefined),
});
const document = z.object({
  'dialog-info': z.object({
    '@version': z.coerce.number().int().min(0),
    '@state': z.enum(['full', 'partial']),
    dialog: z.array(z.unknown()).max(MAX_DIALOGS).default([]),
  }),
});

/**
 * The dialogs after a notification; undefined when it is nonsense, or older than what is known. A
 * partial one after a gap is taken all the same: the next full one makes it good (RFC 4235 §3.8).
 */
export function applyDialogInfo(
  before: DialogTable | undefined,
  body: string,
): DialogTable | undefined {
  const parsed = document.safeParse(parseXml(body));
  if (!parsed.success) return undefined;
  const info = parsed.data['dialog-info'];
  const version = info['@version'];
  const full = info['@state'] === 'full';
  if (!full && before !== undefined && version <= before.version) return undefined;
  const changed = info.dialog.flatMap((one) => {
    const row = dialog.safeParse(one);
    return row.success ? [watched(row.data)] : [];
  });
  const ids = new Set(changed.map(({ id }) => id));
  const kept = full ? [] : (before?.dialogs ?? []).filter(({ id }) => !ids.has(id));
  const dialogs = [...kept, ...changed].filter(({ state }) => state !== 'terminated');
  return { version, dialogs: dialogs.slice(0, MAX_DIALOGS) };
}

function watched(row: z.output<typeof dialog>): WatchedDialog {
  const identity = row.remote?.identity;
  return {
    id: row['@id'],
    state: row.state,
    direction: row['@direction'],
    callId: row['@call-id'],
    localTag: row['@local-tag'],
    remoteTag: row['@remote-tag'],
    remote:
      identity === undefined
        ? undefined
        : { uri: identity['#text'].trim(), name: identity['@display'] },
  };
}

/** What a lamp shows of them. */
export function lampOf(dialogs: readonly WatchedDialog[]): 'free' | 'ringing' | 'busy' {
  if (dialogs.some(({ state }) => state === 'confirmed')) return 'busy';
  if (dialogs.some(rings)) return 'ringing';
  return dialogs.length > 0 ? 'busy' : 'free';
}

/** A call that could be picked up: it rings there, and is taken nowhere yet. */
export function rings({ state, direction }: WatchedDialog): boolean {
  return state === 'early' && direction !== 'initiator';
}
