import type {
  AccountInfo,
  CallInfo,
  DialPreviewInfo,
  JournalCallInfo,
  JournalInfo,
  MediaInfo,
  ModeInfo,
  SettingsInfo,
  StatusInfo,
} from '../control/schemas.ts';
import { printable } from '@offhook/common/printable';
import { table } from './table.ts';

/** How commands say things to people. */

export function callsTable(calls: readonly CallInfo[], now: number): string {
  if (calls.length === 0) return 'no calls\n';
  return table([
    ['CALL', 'STATE', 'REMOTE', 'TIME', 'AUDIO'],
    ...calls.map((call) => [
      call.id,
      stateWords(call),
      remoteWords(call),
      duration(call, now),
      mediaWords(call.media),
    ]),
  ]);
}

export function historyTable(calls: readonly CallInfo[]): string {
  if (calls.length === 0) return 'no calls\n';
  return table([
    ['WHEN', '', 'REMOTE', 'TIME', 'END', 'AUDIO', 'RECORDING'],
    ...calls.map((call) => [
      localTime(call.startedAt),
      call.direction === 'incoming' ? (call.answeredAt === null ? 'missed' : 'from') : 'to',
      remoteWords(call),
      duration(call, 0),
      printable(call.end?.reason ?? ''),
      call.at === 'desk' ? 'at the desk phone' : mediaWords(call.media),
      call.recordings.map(({ file }) => printable(file)).join(' '),
    ]),
  ]);
}

function remoteWords(call: CallInfo): string {
  const name = call.contact ?? call.remoteName;
  return printable(name === null ? call.remote : `${name} <${call.remote}>`);
}

export function callLine(call: CallInfo): string {
  const { id, end } = call;
  const why = end === null ? '' : ` (${printable(end.reason)})`;
  return `${id}  ${stateWords(call)}${why}  ${printable(call.remote)}\n`;
}

function stateWords(call: CallInfo): string {
  const marks = [
    ...(call.at === 'desk' ? ['at the desk phone'] : []),
    ...(call.held ? ['held'] : []),
    ...(call.remoteHeld ? ['held by peer'] : []),
    ...(call.muted ? ['muted'] : []),
    ...(call.locallyMuted ? ['muted at thin client'] : []),
    ...(call.conference === null ? [] : ['in conference']),
    ...recordingWords(call),
    ...(call.transfer === null ? [] : [`transfer: ${transferWords(call.transfer)}`]),
  ];
  const state = call.state === 'early' ? 'progress' : call.state;
  return marks.length === 0 ? state : `${state} (${marks.join(', ')})`;
}

/** The mark of a call that is recorded, or why it is not any more when nobody here has ended that. */
export function recordingWords({ recording, recordings }: CallInfo): readonly string[] {
  if (recording !== null) return [recording === 'paused' ? '● REC paused' : '● REC'];
  const end = recordings.at(-1)?.end;
  return end === null || end === undefined || end === 'guest' || end === 'call-ended'
    ? []
    : [`recording ended: ${recordingEnds[end]}`];
}

const recordingEnds = {
  person: 'at the thin client',
  'time-limit': 'it was as long as is allowed',
  'disk-full': 'the disk is full',
  failed: 'it could not be written',
  'worker-lost': 'the media worker was lost',
} as const;

function transferWords({ to, state, reason }: NonNullable<CallInfo['transfer']>): string {
  return printable(`${to} ${reason === '' ? state : reason}`);
}

/** `0:07`, `1:02:03`; empty for a call that was never answered. */
export function duration(call: CallInfo, now: number): string {
  if (call.answeredAt === null) return '';
  const end = call.endedAt === null ? now : Date.parse(call.endedAt);
  const seconds = Math.max(0, Math.floor((end - Date.parse(call.answeredAt)) / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function mediaWords(media: MediaInfo): string {
  if (media.codec === null) return '';
  return [
    media.codec,
    ...(media.mos === null ? [] : [`MOS ${media.mos.toFixed(1)}`]),
    `loss ${media.lossPct.toFixed(1)} %`,
    `jitter ${media.jitterMs.toFixed(0)} ms`,
    ...(media.rttMs === null ? [] : [`RTT ${media.rttMs.toFixed(0)} ms`]),
  ].join(', ');
}

export function accountWords(account: AccountInfo): string {
  switch (account.state) {
    case 'registered':
      return `registered at ${account.registrar ?? 'its registrar'}`;
    case 'failed': {
      const status = (account.status ?? 0) > 0 ? ` (${account.status})` : '';
      const retry = account.retryAt === null ? '' : `, next try ${localTime(account.retryAt)}`;
      return printable(`not registered: ${account.reason ?? 'failed'}${status}${retry}`);
    }
    case 'registering':
      return 'registering';
    case 'unregistered':
      return 'not registered';
    default:
      return account.state satisfies never;
  }
}

export function statusText(status: StatusInfo): string {
  return table([
    [
      'daemon',
      `running since ${localTime(status.startedAt)} (pid ${status.pid}, ${status.config})`,
    ],
    ['sip', `listens at ${status.listening.join(', ')}`],
    ...status.accounts.map((account) => ['account', `${account.aor}: ${accountWords(account)}`]),
    ['engine', status.engine.text.replace(/^engine: /, '')],
    ...handsetRows(status.handset),
    ...(status.engine.location === null ? [] : [['location', printable(status.engine.location)]]),
    ...(status.engine.locationWarning === null
      ? []
      : [['emergency', printable(status.engine.locationWarning)]]),
    ['calls', String(status.calls)],
    ['journal', journalWords(status.journal)],
    ...(status.settings.doNotDisturb ? [['do not disturb', 'on']] : []),
  ]);
}

function handsetRows({ mode, desk }: ModeInfo): string[][] {
  if (desk === null) return [];
  const phone = printable(desk.text.replace(/^desk phone /, ''));
  return [
    ['handset', mode === 'desk' ? 'the desk phone' : 'the softphone'],
    ['desk phone', phone],
  ];
}

/** Which handset is used, and what the desk phone cannot. */
export function modeText(info: ModeInfo): string {
  const { mode, desk } = info;
  if (desk === null) return 'soft: no desk phone is configured ([desk])\n';
  const cannot = desk.cannot.map(({ reason }) => ` - ${printable(reason)}\n`).join('');
  return `${mode}\n${printable(desk.text)}\n${cannot}`;
}

function journalWords({ state, reason, lost }: JournalInfo): string {
  const now =
    state === 'ok' ? 'written' : `NOT written, calls would not survive a restart: ${reason ?? ''}`;
  return printable(lost === null ? now : `${now}; calls may have been forgotten: ${lost}`);
}

export function journalText(journal: JournalInfo, calls: readonly JournalCallInfo[]): string {
  const head = table([['journal', journalWords(journal)]]);
  if (calls.length === 0) return `${head}no calls in it\n`;
  return `${head}${table([
    ['CALL', 'SIP STATE', 'REMOTE', 'MEDIA SESSION', 'REVISION'],
    ...calls.map((call) => [
      call.id,
      call.held ? `${call.state} (held)` : call.state,
      printable(call.remote),
      call.session,
      String(call.revision),
    ]),
  ])}`;
}

export function settingsText(settings: SettingsInfo): string {
  const rows = settings.forwarding.map(({ account, always, busy, noAnswer, afterMs }) => {
    const ways = [
      ...(always === null ? [] : [`always to ${always}`]),
      ...(busy === null ? [] : [`when busy to ${busy}`]),
      ...(noAnswer === null
        ? []
        : [`${afterMs === 0 ? 'unanswered' : `after ${afterMs / 1000} s`} to ${noAnswer}`]),
    ];
    return ['forwarding', printable(`${account}: ${ways.length === 0 ? 'off' : ways.join(', ')}`)];
  });
  return table([['do not disturb', settings.doNotDisturb ? 'on' : 'off'], ...rows]);
}

export function localTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function previewText({ uri, account, number, why }: DialPreviewInfo): string {
  return table([
    ['dials', printable(uri)],
    ['by', printable(account)],
    ...(number === null ? [] : [['number', number]]),
    ...why.map((one, index) => [index === 0 ? 'because' : '', printable(one)]),
  ]);
}
