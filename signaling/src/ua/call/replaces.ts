import type { SipCall } from '../../call-api.ts';
import type { SipCore } from '../core/sip-core.ts';
import type { Headers } from '../message/headers.ts';
import { parseReplaces } from '../refer/refer-to.ts';
import type { Session } from '../session/session.ts';

type ReplaceableCall = SipCall & { readonly session: Session | undefined };

/**
 * RFC 3891 §3: the call that an INVITE with Replaces takes over, or the status that refuses it:
 * 400 for a header that cannot be read, 481 for an unknown dialog, 603 for one that is over, 486 for
 * `early-only` with an established call.
 */
export function replacedCall(
  headers: Headers,
  core: SipCore,
  calls: Iterable<ReplaceableCall>,
): ReplaceableCall | number | undefined {
  const values = headers.list('replaces');
  const [value] = values;
  if (value === undefined) return undefined;
  const replaces = values.length > 1 ? undefined : parseReplaces(value);
  if (replaces === undefined) return 400;
  const { callId, toTag: localTag, fromTag: remoteTag } = replaces;
  const owner = core.findDialog({ callId, localTag, remoteTag });
  const call = [...calls].find(({ session }) => session !== undefined && session === owner);
  if (call === undefined) return 481;
  if (call.end !== undefined) return 603;
  const established = call.state === 'established';
  if (established && replaces.earlyOnly === true) return 486;
  // An early dialog can only be replaced by whoever was called (§3, 481 otherwise).
  if (!established && call.direction === 'incoming') return 481;
  return call;
}
