import { OffhookError } from '@offhook/common';
import type { SdpAgent } from '../../api.ts';
import type { CallSnapshot } from '../../call-api.ts';
import type { SipRequest } from '../message/message.ts';
import type { CallProfile } from '../session/profile.ts';
import { IncomingCallImpl } from './incoming-call.ts';
import { OutgoingCall } from './outgoing-call.ts';
import { RestoredCall } from './restored-call.ts';
import { readSnapshot, type RingingContent } from './snapshot.ts';

interface Restoring {
  readonly profile: CallProfile;
  readonly snapshot: CallSnapshot;
  readonly agent: SdpAgent;
  readonly onMessage: (request: SipRequest) => void;
  /** Route values in front of an INVITE of the account. */
  readonly routes: () => readonly string[];
}

/** See `Account.restore`. */
export function restoreCall(parts: Restoring): OutgoingCall | IncomingCallImpl | RestoredCall {
  const { snapshot } = parts;
  if (snapshot.state === 'inviting') return inviting(parts);
  if (snapshot.state === 'ringing') return ringing(parts, readSnapshot(snapshot, ['ringing']));
  return new RestoredCall({
    ...parts,
    content: readSnapshot(snapshot, ['established', 'ending']),
    ending: snapshot.state === 'ending',
    doubtful: false,
  });
}

function inviting({ profile, snapshot, agent, onMessage }: Restoring): OutgoingCall {
  const content = readSnapshot(snapshot, ['inviting']);
  return new OutgoingCall({
    profile,
    agent,
    onMessage,
    target: content.callee,
    routes: content.routes,
    lateOffer: content.lateOffer,
    ...(content.displayName !== undefined && { displayName: content.displayName }),
    ...(content.extraHeaders !== undefined && { extraHeaders: content.extraHeaders }),
    ...(content.parts !== undefined && { parts: content.parts }),
    resumed: { id: snapshot.id, content },
  });
}

function ringing(parts: Restoring, content: RingingContent): IncomingCallImpl | RestoredCall {
  const { profile, snapshot, agent, onMessage } = parts;
  const { invite, answered, local, keyed } = content;
  // A 2xx that was sent on a connection cannot be sent again on another one: whether the peer has got
  // it, a request in the dialog will tell.
  if (answered && (invite.transport !== 'udp' || local === undefined || keyed)) {
    return new RestoredCall({ ...parts, content, ending: false, doubtful: true });
  }
  const inbound = profile.core.readmit(invite, content.localTag);
  if (inbound === undefined) {
    throw new OffhookError('signaling', 'bad-snapshot', 'a saved call cannot be read');
  }
  const call = new IncomingCallImpl({
    profile,
    inbound,
    onMessage,
    resumed: { id: snapshot.id, content },
  });
  call.useAgent(agent);
  return call;
}
