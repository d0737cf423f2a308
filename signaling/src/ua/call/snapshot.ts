import { OffhookError } from '@offhook/common';
import type { CallSnapshot, SipCall } from '../../api.ts';
import type { DialogState } from '../dialog/dialog-state.ts';
import type { Session, SessionSnapshot } from '../session/session.ts';

interface Content {
  readonly dialog: DialogState;
  readonly session: SessionSnapshot;
}

/** What a call would be restored from; undefined unless it is established. */
export function snapshotOf(
  call: Pick<SipCall, 'id' | 'direction' | 'account' | 'remote' | 'state'>,
  session: Session | undefined,
): CallSnapshot | undefined {
  if (session === undefined || session.ended || call.state !== 'established') return undefined;
  const content: Content = { dialog: session.dialog, session: session.snapshot() };
  return {
    version: 1,
    id: call.id,
    direction: call.direction,
    account: call.account,
    remote: call.remote,
    content,
  };
}

/** The inside of a snapshot that a journal gives back: checked as far as a crash could break it. */
export function readSnapshot(snapshot: CallSnapshot): Content {
  const content = snapshot.content as Partial<Content> | null | undefined;
  const dialog = content?.dialog;
  const session = content?.session;
  const texts = ['callId', 'localTag', 'remoteTag', 'localParty', 'remoteParty', 'remoteTarget'];
  const sound =
    snapshot.version === 1 &&
    dialog !== undefined &&
    session !== undefined &&
    texts.every((name) => typeof dialog[name as keyof DialogState] === 'string') &&
    Number.isSafeInteger(dialog.localCSeq) &&
    Array.isArray(dialog.routeSet);
  if (!sound) {
    throw new OffhookError('signaling', 'bad-snapshot', 'a saved call cannot be read');
  }
  return { dialog, session };
}
