import type { SipCall } from '../../api.ts';
import type { SipCore } from '../core/sip-core.ts';
import type { Headers } from '../message/headers.ts';
import { param, parseParams } from '../message/lexer.ts';
import type { Session } from '../session/session.ts';

interface ReplaceableCall extends SipCall {
  readonly session: Session | undefined;
}

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
  const semicolon = value.indexOf(';');
  const params = parseParams(semicolon < 0 ? '' : value.slice(semicolon + 1));
  const localTag = param(params, 'to-tag');
  const remoteTag = param(params, 'from-tag');
  if (values.length > 1 || localTag === undefined || remoteTag === undefined) return 400;
  const callId = value.slice(0, semicolon).trim();
  const owner = core.findDialog({ callId, localTag, remoteTag });
  const call = [...calls].find(({ session }) => session !== undefined && session === owner);
  if (call === undefined) return 481;
  if (call.end !== undefined) return 603;
  const established = call.state === 'established';
  if (established && param(params, 'early-only') !== undefined) return 486;
  // An early dialog can only be replaced by whoever was called (§3, 481 otherwise).
  if (!established && call.direction === 'incoming') return 481;
  return call;
}
