import type { AudioRole, VoiceWishes } from '@offhook/media-rpc';
import type { ControlResult, EngineCall, EngineStatus } from '../control/api.ts';
import { ask } from './client.ts';
import { clean, print, table, type Context } from './output.ts';

const roles = ['input', 'output', 'ringer'] as const satisfies readonly AudioRole[];

const roleNames: Readonly<Record<AudioRole, string>> = {
  input: 'microphone',
  output: 'speaker',
  ringer: 'ringer',
};

/** Lost calls that `status` shows. */
const MAX_ENDED = 5;

const microphoneTexts = {
  live: 'LIVE: what is said here is heard',
  muted: 'muted',
  'on-hold': 'silent (no call that could hear it)',
  idle: 'idle',
} as const;

export async function status(context: Context): Promise<void> {
  const found = await ask(context.stateDir, 'status', {});
  const { worker, guests } = found;
  const connected = guests.filter((guest) => guest.connected).length;
  const lines = [
    `engine      ${found.version}, process ${found.pid}`,
    `channel     ${found.listen.join(', ')}`,
    ...found.desktops.map((desktop) => `desktop     ${desktopText(desktop)}`),
    `worker      ${worker.state}${worker.message === '' ? '' : ` (${worker.message})`}`,
    `guests      ${connected} connected${away(guests.length - connected)}`,
    `calls       ${found.calls}${found.recorded === 0 ? '' : `, ${found.recorded} RECORDED`}`,
    ...roles.map((role) => `${roleNames[role].padEnd(10)}  ${deviceText(found, role)}`),
    `voice       ${voiceText(found.voice)}`,
    `microphone  ${microphoneTexts[found.microphone]}`,
    ...found.ended.slice(0, MAX_ENDED).map((ended) => `lost        ${endedText(ended)}`),
  ];
  print(context, found, lines.join('\n'));
}

function deviceText(found: EngineStatus, role: AudioRole): string {
  const { devices, volumes, guestVolumes, standIns } = found;
  const notes = [
    standIns[role] === undefined ? undefined : `gone, ${standIns[role]} stands in`,
    volumes[role] === 1 ? undefined : `volume ${volumes[role]}`,
    guestVolumes[role] === 1 ? undefined : `volume of the guests ${guestVolumes[role]}`,
  ].filter((note) => note !== undefined);
  return [clean(devices[role] ?? ''), ...notes.map(clean)].join(', ');
}

/** What the microphone's audio is processed by, for people. */
function voiceText(voice: EngineStatus['voice']): string {
  const parts = [
    voice.echoCancellation ? 'echo cancellation' : undefined,
    voice.noiseSuppression === 'off' ? undefined : `noise suppression ${voice.noiseSuppression}`,
    voice.gainControl ? 'gain control' : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'sent as it is' : parts.join(', ');
}

/** What became of a call whose guest did not come back, for people. */
export function endedText({ label, id, endedAt, will }: EngineStatus['ended'][number]): string {
  const at = new Date(endedAt).toISOString().replace('T', ' ').slice(0, 19);
  return clean(
    `${label === '' ? id : label}, ended at ${at} UTC without its guest; ${farEnd(will)}`,
  );
}

function farEnd(will: EngineStatus['ended'][number]['will']): string {
  if (will === undefined) return 'the far end was not told';
  const texts = {
    sending: 'the far end is being told',
    answered: `the far end was told: ${will.answer ?? ''}`,
    unanswered: 'the far end did not answer',
    failed: `the far end could not be told: ${will.message ?? ''}`,
  };
  return texts[will.outcome];
}

/** How long until the lease ends, for people. */
export function leaseText(endsAt: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((endsAt - now) / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

function desktopText(desktop: EngineStatus['desktops'][number]): string {
  const { address, state, viewers, message } = desktop;
  const beside = viewers > 0 ? ' beside a viewer' : '';
  return clean(`${address}, ${state}${beside}${message === '' ? '' : ` (${message})`}`);
}

function away(count: number): string {
  return count === 0 ? '' : `, ${count} away with their lease running`;
}

export async function calls(context: Context): Promise<void> {
  const found = await ask(context.stateDir, 'calls', {});
  const text =
    found.calls.length === 0
      ? 'no calls'
      : table([
          ['ID', 'WITH', 'STATE', 'CODEC', 'TO', 'LOSS', 'MOS', 'ECHO'],
          ...found.calls.map((call) => [
            call.id,
            clean(call.label),
            stateText(call),
            [call.codec, call.srtp === undefined ? undefined : 'SRTP'].filter(Boolean).join(' '),
            call.remote === undefined ? '' : `${call.remote.address}:${call.remote.port}`,
            `${call.media.lossPct.toFixed(1)} %`,
            call.media.mos?.toFixed(1) ?? '-',
            echoText(call.media.echo),
          ]),
        ]);
  print(context, found, text);
}

/** The way of the echo, and by how much it is less after the canceller (ERLE). */
function echoText(echo: EngineCall['media']['echo']): string {
  if (echo === undefined) return '-';
  const less = echo.erleDb === undefined ? '' : `, -${Math.max(0, echo.erleDb).toFixed(0)} dB`;
  return `${echo.delayMs} ms${less}`;
}

/** What tells, before all else, that the call is recorded; nothing where it is not. */
export function recordingMark({ recording }: EngineCall): readonly string[] {
  if (recording === undefined || recording.state === 'stopped') return [];
  return [recording.state === 'paused' ? '● REC paused' : '● REC'];
}

function stateText(call: EngineCall): string {
  const notes = [
    ...recordingMark(call),
    call.microphone ? 'microphone live' : undefined,
    call.held ? 'held' : undefined,
    call.locallyMuted ? 'muted here' : undefined,
    call.muted ? 'muted by the guest' : undefined,
    call.background ? 'in the background' : undefined,
    call.guestConnected ? undefined : awayText(call.leaseEndsAt),
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? call.state : `${call.state} (${notes.join(', ')})`;
}

function awayText(leaseEndsAt: number | undefined): string {
  if (leaseEndsAt === undefined) return 'guest away';
  return `guest away, ends in ${leaseText(leaseEndsAt, Date.now())}`;
}

const done = {
  'calls.hangup': 'hung up',
  'calls.mute': 'muted',
  'calls.unmute': 'no longer muted',
  'calls.stop-recording': 'not recorded any more',
  'calls.take': 'has microphone and speaker',
} as const;

export async function onCalls(
  context: Context,
  method: keyof typeof done,
  which: { call?: string | undefined; all?: boolean | undefined },
): Promise<void> {
  const found = await ask(context.stateDir, method, which);
  const text = found.calls.map((id) => `${id} ${done[method]}`).join('\n');
  print(context, found, text === '' ? 'no calls' : text);
}

export async function listDevices(context: Context): Promise<void> {
  const found = await ask(context.stateDir, 'devices.list', {});
  const rows = found.devices.map((device) => [
    roles.some((role) => found.selected[role] === device.id) ? '*' : ' ',
    clean(device.id),
    device.name === device.id ? '' : clean(device.name),
    device.roles.map((role) => (found.selected[role] === device.id ? `${role}*` : role)).join(', '),
    device.present ? standInText(found, device.id) : 'not plugged in',
  ]);
  print(context, found, table([[' ', 'DEVICE', 'NAME', 'FOR (* in use)', ''], ...rows]));
}

function standInText({ standIns }: ControlResult<'devices.list'>, id: string): string {
  const stoodIn = roles.filter((role) => standIns[role] === id).map((role) => roleNames[role]);
  return stoodIn.length === 0 ? '' : `stands in for the ${stoodIn.join(' and the ')}`;
}

export async function setVoice(context: Context, wishes: VoiceWishes): Promise<void> {
  await ask(context.stateDir, 'voice', wishes);
  const { voice } = await ask(context.stateDir, 'status', {});
  print(context, voice, `voice: ${voiceText(voice)}`);
}

export async function selectDevice(context: Context, role: AudioRole, id: string): Promise<void> {
  await ask(context.stateDir, 'devices.select', { role, id });
  print(context, { role, id }, `${roleNames[role]}: ${clean(id)}`);
}

export async function setVolume(context: Context, role: AudioRole, volume: number): Promise<void> {
  await ask(context.stateDir, 'volume', { role, volume });
  print(context, { role, volume }, `${roleNames[role]}: volume ${volume}`);
}
