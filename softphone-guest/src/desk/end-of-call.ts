import type { CallEnd } from '@offhook/signaling';
import type { CtiEvent } from '@offhook/cti-bridge/client';

type Cause = CtiEvent['cause'];

/** What CSTA's causes are in SIP's numbers and people's words (ECMA-269 §12.2.15; RFC 3398 §8.2.6.1). */
const ENDS: Partial<Record<Cause, readonly [number, string]>> = {
  busy: [486, 'busy'],
  callCancelled: [487, 'given up'],
  callForward: [302, 'forwarded'],
  callNotAnswered: [480, 'not answered'],
  callPickup: [302, 'taken at another phone'],
  conference: [200, 'went up in a conference'],
  destNotObtainable: [480, 'not to be reached'],
  doNotDisturb: [486, 'does not want to be disturbed'],
  invalidNumber: [404, 'no such number'],
  networkNotObtainable: [503, 'no line'],
  park: [200, 'parked'],
  redirected: [302, 'sent elsewhere'],
  resourcesNotAvailable: [503, 'no line'],
  singleStepTransfer: [200, 'handed on'],
  transfer: [200, 'handed on'],
};

/** Why a call at the desk phone is over; `cause` is undefined when nobody has told. */
export function endOfCall(options: {
  readonly cause: Cause | undefined;
  /** This end hung up, handed on, declined. */
  readonly byUs: boolean;
}): CallEnd {
  const { cause, byUs } = options;
  if (cause === undefined) {
    return byUs
      ? { by: 'local', status: 200, reason: '' }
      : { by: 'network', status: 0, reason: 'it ended while the CTI bridge was away' };
  }
  const [status, reason] = ENDS[cause] ?? [200, ''];
  return { by: byUs ? 'local' : status >= 500 ? 'network' : 'remote', status, reason };
}
