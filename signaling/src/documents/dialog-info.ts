import { z } from 'zod';
import { parseXml } from './xml.ts';

/** The half of a dialog's identity that its owner sees. */
export interface DialogName {
  readonly callId: string;
  readonly localTag: string | undefined;
  readonly remoteTag: string | undefined;
}

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
  /** Its Contact. */
  readonly remoteTarget: string | undefined;
  /** The watched phone has put it on hold: `+sip.rendering` of its target is `no` (RFC 4235 §5.2). */
  readonly held: boolean;
  /** The dialog of the same phone whose place it has taken (RFC 3891). */
  readonly replaces: DialogName | undefined;
  /** Who has asked the watched phone to make the call (RFC 3892). */
  readonly referredBy: string | undefined;
  /** Why it has ended, and the status of the response that ended it (RFC 4235 §3.7.1). */
  readonly end: { readonly event: string | undefined; readonly code: number | undefined };
}

export interface DialogTable {
  readonly version: number;
  readonly dialogs: readonly WatchedDialog[];
  /** Those that the last notification has ended. */
  readonly ended: readonly WatchedDialog[];
}

export const DIALOG_INFO = 'application/dialog-info+xml';
const MAX_DIALOGS = 100;

const state = z.enum(['trying', 'proceeding', 'early', 'confirmed', 'terminated']);
const address = z.union([
  z.string().transform((uri) => ({ '#text': uri, '@display': undefined })),
  z.object({ '#text': z.string(), '@display': z.string().optional() }),
]);
const parameter = z.object({ '@pname': z.string(), '@pval': z.string() });
const target = z.object({
  '@uri': z.string(),
  param: z.array(parameter).optional().catch(undefined),
});
const party = z.object({
  identity: address.optional(),
  target: target.optional().catch(undefined),
});
const name = z.object({
  '@call-id': z.string(),
  '@local-tag': z.string().optional(),
  '@remote-tag': z.string().optional(),
});
const code = z.coerce.number().int().min(100).max(699);
const dialog = z.object({
  '@id': z.string(),
  '@direction': z.enum(['initiator', 'recipient']).optional().catch(undefined),
  '@call-id': z.string().optional(),
  '@local-tag': z.string().optional(),
  '@remote-tag': z.string().optional(),
  state: z.union([
    z.string().transform((state) => ({ '#text': state, '@event': undefined, '@code': undefined })),
    z.object({
      '#text': z.string().default(''),
      '@event': z.string().optional(),
      '@code': code.optional().catch(undefined),
    }),
  ]),
  replaces: name.optional().catch(undefined),
  'referred-by': address.optional().catch(undefined),
  local: party.optional().catch(undefined),
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
    return row.success ? watched(row.data) : [];
  });
  const ids = new Set(changed.map(({ id }) => id));
  const others = (before?.dialogs ?? []).filter(({ id }) => !ids.has(id));
  const all = full ? changed : [...others, ...changed];
  return {
    version,
    dialogs: all.filter((one) => one.state !== 'terminated').slice(0, MAX_DIALOGS),
    ended: [
      ...changed.filter((one) => one.state === 'terminated'),
      // A full one names all that there are.
      ...(full ? others : []),
    ],
  };
}

function watched(row: z.output<typeof dialog>): WatchedDialog | [] {
  const known = state.safeParse(row.state['#text'].trim());
  if (!known.success) return [];
  const { replaces, remote, local } = row;
  const identity = remote?.identity;
  const rendering = local?.target?.param?.find((one) => one['@pname'] === '+sip.rendering');
  return {
    id: row['@id'],
    state: known.data,
    direction: row['@direction'],
    callId: row['@call-id'],
    localTag: row['@local-tag'],
    remoteTag: row['@remote-tag'],
    remote:
      identity === undefined
        ? undefined
        : { uri: identity['#text'].trim(), name: identity['@display'] },
    remoteTarget: remote?.target?.['@uri'],
    held: rendering?.['@pval'] === 'no',
    replaces:
      replaces === undefined
        ? undefined
        : {
            callId: replaces['@call-id'],
            localTag: replaces['@local-tag'],
            remoteTag: replaces['@remote-tag'],
          },
    referredBy: row['referred-by']?.['#text'].trim(),
    end: { event: row.state['@event'], code: row.state['@code'] },
  };
}
