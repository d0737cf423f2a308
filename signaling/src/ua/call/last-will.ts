import { createHash } from 'node:crypto';
import type { CallWill } from '../../call-api.ts';
import { formatVia, MAGIC_COOKIE, withoutZone } from '../../transport/via.ts';
import { serialize } from '../message/message.ts';
import { reserveRequest, draftRequest, type DialogState } from '../dialog/dialog-state.ts';
import type { CallProfile } from '../session/profile.ts';
import type { Session } from '../session/session.ts';

const REASON = 'SIP;cause=480;text="The phone was lost"';

/**
 * The BYE that somebody else may send when we never return. It has a CSeq number of its own, which
 * our next request skips: a will that is out of date is refused by the peer (RFC 3261 §12.2.2).
 * Undefined where nobody else could send it: over TLS, and for a call that is not established.
 */
export async function lastWill(
  { core }: CallProfile,
  session: Session,
): Promise<CallWill | undefined> {
  const hop = draftRequest(session.dialog, 'BYE', 0).nextHop;
  const [target] = await core.layer.resolve(hop);
  if (target === undefined || target.transport === 'tls') return undefined;
  const { contact } = await core.layer.reach({ targets: [target] });
  if (session.ended) return undefined;
  const { state, draft } = reserveRequest(session.dialog, 'BYE', [['reason', REASON]]);
  session.dialog = state;
  const { transport, address, port } = target;
  const branch = branchOf(state);
  const via = formatVia({
    transport: transport.toUpperCase(),
    host: contact.address,
    port: contact.port,
    params: [
      { name: 'branch', value: branch },
      { name: 'rport', value: undefined },
    ],
  });
  draft.headers.add('user-agent', core.product);
  const message = serialize(`BYE ${draft.uri} SIP/2.0\r\nVia: ${via}`, draft.headers, undefined);
  return { transport, address: withoutZone(address), port, message, branch };
}

/** The same for the same request, so that a will that says nothing new is the same will. */
function branchOf({ callId, localTag, remoteTag, localCSeq }: DialogState): string {
  const words = JSON.stringify([callId, localTag, remoteTag, localCSeq]);
  return MAGIC_COOKIE + createHash('sha256').update(words).digest('hex').slice(0, 24);
}
