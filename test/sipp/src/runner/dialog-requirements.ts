import type { Requirement } from './requirement.ts';

/** What SIP asks of the phone within dialogs and beside calls. */
export const dialogRequirements = {
  'dialog.record-route': {
    source: 'RFC 3261 §12.1, §12.2.1.1',
    text: 'Requests within a call follow the recorded route.',
  },
  'dialog.strict-route': {
    source: 'RFC 3261 §12.2.1.1',
    text: 'A strict router gets itself as request URI and the target as the last route.',
  },
  'dialog.target': {
    source: 'RFC 3261 §12.2, §13.2.2.4',
    text: 'The Contact of a 2xx and of a re-INVITE becomes the target of later requests.',
  },
  'dialog.cseq': {
    source: 'RFC 3261 §12.2.2',
    text: 'A request out of order gets 500 and harms nothing.',
  },
  'dialog.unknown': {
    source: 'RFC 3261 §12.2.2, §9.2',
    text: 'Requests of an unknown dialog get 481; a stray ACK gets nothing.',
  },
  'dialog.bye-crossing': {
    source: 'RFC 3261 §15',
    text: 'When both sides say BYE at once, the call ends cleanly.',
  },
  'dialog.gone': {
    source: 'RFC 3261 §12.2.1.2',
    text: '481 to a request within a call ends it.',
  },
  'reinvite.hold': {
    source: 'RFC 3264 §8.4',
    text: 'Hold is sendonly, resume sendrecv, and the o= version rises by one.',
  },
  'reinvite.held': {
    source: 'RFC 3264 §6.1, §8.4',
    text: 'A hold of the peer is answered recvonly (or inactive), seen, and undone by a resume.',
  },
  'reinvite.codec': {
    source: 'RFC 3264 §8.3.2',
    text: 'A re-INVITE changes the codec, and the sound goes on.',
  },
  'reinvite.address': {
    source: 'RFC 3264 §8.3.1',
    text: 'A re-INVITE moves the media to another address and port.',
  },
  'reinvite.refused-by-us': {
    source: 'RFC 3261 §14.2',
    text: 'An unusable re-INVITE gets 488; the call goes on as it was.',
  },
  'reinvite.refused-by-peer': {
    source: 'RFC 3261 §14.1',
    text: 'A re-INVITE that the peer refuses leaves the call as it was.',
  },
  'reinvite.glare': {
    source: 'RFC 3261 §14.1, §14.2',
    text: 'Glare is answered 491, and retried after the time that the section gives.',
  },
  'offer.late': {
    source: 'RFC 3261 §13.2.1, §14.2',
    text: 'An INVITE or re-INVITE without offer gets a full offer in the 200, answered in the ACK.',
  },
  'offer.bad': {
    source: 'RFC 3264 §6, RFC 3261 §13.3.1.3',
    text: 'An offer that cannot be used gets 488 or 400, with a Warning or reason.',
  },
  'offer.bad-answer': {
    source: 'RFC 3261 §13.2.2.4',
    text: 'An answer that cannot be used is acknowledged, and the call ended with BYE.',
  },
  'offer.codec-order': {
    source: 'RFC 3264 §5.1, §6.1',
    text: "Codecs are offered in the line's order; the peer's choice is used.",
  },
  'prack.uac': {
    source: 'RFC 3262 §4',
    text: 'Reliable provisional responses are acknowledged with PRACK.',
  },
  'prack.uas': {
    source: 'RFC 3262 §3',
    text: 'Asked for, provisional responses are sent reliably and repeated until PRACK.',
  },
  update: {
    source: 'RFC 3311 §5',
    text: 'UPDATE changes the session within a call and before its answer.',
  },
  'timer.refresh': {
    source: 'RFC 4028 §10',
    text: 'As refresher the phone refreshes at half of the session interval.',
  },
  'timer.refreshed': {
    source: 'RFC 4028 §9',
    text: 'As the other side the phone accepts refreshes by re-INVITE and UPDATE.',
  },
  'timer.expires': {
    source: 'RFC 4028 §10',
    text: 'A session that is not refreshed is ended with BYE.',
  },
  'timer.422': {
    source: 'RFC 4028 §7.4, §9',
    text: '422 carries Min-SE, and is obeyed.',
  },
  'refer.out': {
    source: 'RFC 3515 §2.4, RFC 5589 §6',
    text: 'The phone hands a party on by REFER, tells how that fares, and ends the call when it is through.',
  },
  'refer.out-fails': {
    source: 'RFC 5589 §6.1',
    text: 'When a transfer is declined or the target fails, the person is told and the call goes on.',
  },
  'refer.attended': {
    source: 'RFC 5589 §7, RFC 3891',
    text: 'The phone joins the parties of two calls, by REFER with Replaces.',
  },
  'refer.in': {
    source: 'RFC 3515 §2.4, RFC 3892',
    text: 'Asked to call somebody else, the phone does, with Replaces and Referred-By as they came, and reports.',
  },
  'refer.in-fails': {
    source: 'RFC 5589 §6.1',
    text: 'When that call fails, the phone reports the status and takes the first call up again.',
  },
  'refer.policy': {
    source: 'RFC 3515 §2.4.2',
    text: 'A line that is not to be transferred declines REFER.',
  },
  'event.dialog': {
    source: 'RFC 4235, RFC 6665 §4.1',
    text: 'A watched phone’s calls light its lamp: free, ringing, busy.',
  },
  'event.presence': {
    source: 'RFC 3856, RFC 3863',
    text: 'A watched person is free, busy or away.',
  },
  'event.publish': {
    source: 'RFC 3903 §4',
    text: 'The state of the person is published, changed, and taken back.',
  },
  'replaces.out': {
    source: 'RFC 3891 §4',
    text: 'A call that rings elsewhere is taken by an INVITE with Replaces.',
  },
  'event.message-summary': {
    source: 'RFC 3842',
    text: 'Messages that wait are told, asked for and unasked.',
  },
  'uac.message': {
    source: 'RFC 3428 §4',
    text: 'Text messages are sent, and kept with those that come.',
  },
  'feature.park': {
    source: 'Offhook, configuration `[codes]`',
    text: 'A call is parked and taken again by the feature codes of the PBX.',
  },
  'feature.pickup': {
    source: 'Offhook, configuration `[codes]`',
    text: 'A call that rings at another phone is taken by the feature code of the PBX.',
  },
  'replaces.in': {
    source: 'RFC 3891 §3',
    text: 'A call with Replaces is taken at once, and the call whose place it takes is ended.',
  },
  'uas.redirect': {
    source: 'RFC 3261 §21.3.3',
    text: 'The phone sends a caller elsewhere with 302, by hand or as the person has set.',
  },
  'uas.do-not-disturb': {
    source: 'Offhook',
    text: 'While the person is not to be disturbed, calls are refused as busy without ringing.',
  },
  'uas.answer-after': {
    source: 'RFC 3261 §20.9, `answer-after`; RFC 5373',
    text: 'Where a line allows it, a caller is taken at once at its wish.',
  },
  'tls.verify': {
    source: 'RFC 3261 §26.3, RFC 5922',
    text: 'A server whose certificate does not fit is refused, with the reason told.',
  },
} as const satisfies Record<string, Requirement>;
