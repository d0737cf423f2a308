import type { StoredMessageInfo } from '../control/presence-schemas.ts';
import type { CallInfo } from '../control/schemas.ts';
import { printable } from '@offhook/common/printable';

/** Of what others say: more is on no screen, and costs time to cut. */
const MAX_NAME = 256;

/** Every word on the screen. */
export const texts = {
  title: 'Offhook',
  connecting: 'connecting to the daemon …',
  lost: (reason: string) =>
    `daemon gone (${printable(reason.slice(0, MAX_NAME))}); calls are not shown, looking for it …`,
  noAccounts: 'no accounts',
  accountState: {
    registered: 'registered',
    registering: 'registering …',
    unregistered: 'not registered',
    failed: 'registration failed',
  },
  noCalls: 'No calls. Press d to dial.',
  notAtDesk: 'not at the desk phone',
  incoming: 'INCOMING CALL',
  incomingKeys: (answer: string, reject: string) => `${answer} answer    ${reject} reject`,
  moreIncoming: (count: number) => `and ${count} more`,
  callState: {
    dialing: 'dialing …',
    ringing: 'ringing …',
    early: 'in progress …',
    incoming: 'incoming',
    answering: 'answering …',
    established: 'talking',
    ending: 'ending …',
    ended: 'ended',
  },
  views: {
    calls: 'Calls',
    history: 'History',
    contacts: 'Contacts',
    messages: 'Messages',
    lamps: 'Lamps',
    quality: 'Quality',
  },
  fetching: 'fetching …',
  empty: {
    history: 'No calls yet.',
    contacts: 'No contacts. `offhook contacts import` takes vCards.',
    messages: 'No messages yet. Press w to write one.',
    lamps: 'No lamps. `[[watch]]` in the configuration, or `offhook lamp watch`, has them.',
  },
  notFound: 'Nothing that has these words.',
  find: 'Find: ',
  findHint: 'words; Enter calls the chosen one, Esc shows all',
  palette: 'Do: ',
  paletteHint: 'words of what to do; Enter does the chosen one, Esc leaves',
  noCommand: 'nothing is called that',
  register: (line: string) => `register ${line}`,
  unregister: (line: string) => `unregister ${line}`,
  useDevice: (role: 'input' | 'output' | 'ringer', name: string) =>
    `${{ input: 'microphone', output: 'speaker', ringer: 'ringer' }[role]}: ${name}`,
  missedCall: 'missed',
  from: 'from',
  to: 'to',
  last: (seconds: number) => (seconds === 60 ? 'last minute' : `last ${seconds} seconds`),
  noCall: 'No call to show.',
  held: 'on hold',
  remoteHeld: 'held by peer',
  inConference: 'in conference',
  atDesk: 'at the desk phone',
  recorded: 'recorded',
  inUse: 'in use',
  lampState: {
    unknown: '?',
    free: 'free',
    ringing: 'RINGING',
    busy: 'busy',
    away: 'away',
    offline: 'offline',
  },
  muted: 'muted',
  locallyMuted: 'muted at thin client',
  silent: (seconds: number) => `no audio for ${seconds} s`,
  emergency: (location: string | null, warning: string | null) =>
    warning === null
      ? `emergency call: help is told ${printable(location ?? '')}`
      : `EMERGENCY CALL, SAY WHERE YOU ARE: ${printable(warning)}`,
  noLocation: (warning: string) => `emergency calls: ${printable(warning)}`,
  doNotDisturb: 'DO NOT DISTURB: calls are refused',
  transferring: (transfer: NonNullable<CallInfo['transfer']>) =>
    `to ${printable(transfer.to.replace(/^sips?:/i, ''))}${transfer.reason === '' ? ' …' : `: ${printable(transfer.reason)}`}`,
  transferFailed: (transfer: NonNullable<CallInfo['transfer']>) =>
    `transfer to ${printable(transfer.to.replace(/^sips?:/i, ''))} failed: ${printable(transfer.reason)}`,
  transfer: 'Transfer to: ',
  transferHint: 'number or name; empty: the other call; Esc leaves',
  dial: 'Dial: ',
  dialHint: 'number, name or user@host; Enter calls, Esc leaves',
  microphone: 'mic',
  speaker: 'ear',
  noFigures: 'no figures yet',
  missed: (call: CallInfo) => `missed call from ${party(call)}`,
  failed: (call: CallInfo) => `${party(call)}: ${printable(call.end?.reason ?? 'failed')}`,
  ended: (call: CallInfo) =>
    `call with ${party(call)} ended: ${printable(call.end?.reason ?? '')}`.replace(/: $/, ''),
  dtmfReceived: (digit: string) => `the peer pressed ${printable(digit)}`,
  message: (message: StoredMessageInfo) =>
    `${messageParty(message)}: ${printable(message.text.slice(0, 200))}`,
  notSent: (reason: string) => `(not sent: ${printable(reason)})`,
  writeTo: 'Message to: ',
  writeToHint: 'number, name or user@host; Enter, then the text',
  write: (to: string) => `To ${printable(to)}: `,
  writeHint: 'Enter sends, Esc leaves',
  helpTitle: 'Keys',
  helpClose: 'any key closes this',
  plain: {
    begin:
      'Offhook in plain words. Type a key and Enter: d and a number dials, x hangs up, = says how things stand, ? reads all keys, q leaves.',
    connected: 'connected to the daemon',
    incoming: (who: string) => `Incoming call from ${who}. a and Enter answers, r rejects.`,
    resumed: 'off hold',
    remoteResumed: 'no longer held by peer',
    unmuted: 'microphone open',
    recorded: 'is being recorded',
    recordingPaused: 'recording is paused',
    notRecorded: 'is not recorded any more',
    disturb: (on: boolean) => (on ? 'do not disturb: calls are refused' : 'calls are taken again'),
    lampRings: (name: string) => `${name} rings. p reads the lamps; Enter at it picks up.`,
    more: (count: number) => `and ${count} more; f and words finds`,
    noCalls: 'no calls',
    handset: (mode: 'soft' | 'desk') =>
      mode === 'desk' ? 'the desk phone is used' : 'the softphone is used',
  },
  tooSmall: 'the terminal is smaller than 80×24',
} as const;

/** Who it is, as short as can be. */
export function party(
  call: Pick<CallInfo, 'remote' | 'remoteName' | 'contact' | 'account'>,
): string {
  const uri = printable(shortUri(call.remote, call.account));
  const name = (call.contact ?? call.remoteName ?? '').slice(0, MAX_NAME);
  return name === '' ? uri : `${printable(name)} <${uri}>`;
}

export function messageParty({ peer, peerName, contact, account }: StoredMessageInfo): string {
  return printable(contact ?? peerName ?? shortUri(peer, account));
}

/** Who somebody is: a number or name alone where the domain is that of our own line. */
export function shortUri(uri: string, account: string): string {
  const [, user, domain = ''] = /^sips?:([^@;?]+)@(\[[^\]]+\]|[^;?:]+)/i.exec(uri) ?? [];
  if (user !== undefined && domain.toLowerCase() === domainOf(account)) return user;
  return uri.replace(/^sips?:/i, '');
}

function domainOf(aor: string): string | undefined {
  return /@(\[[^\]]+\]|[^;?:]+)/.exec(aor)?.[1]?.toLowerCase();
}
