import type { AudioRole } from '@offhook/media-rpc';
import { endedText, leaseText, recordingMark } from '../cli/commands.ts';
import { clean } from '../cli/output.ts';
import type { EngineCall, EngineStatus } from '../control/api.ts';

export const roleNames: Readonly<Record<AudioRole, string>> = {
  input: 'microphone',
  output: 'speaker',
  ringer: 'ringer',
};

export const microphoneTexts: Readonly<Record<EngineStatus['microphone'], string>> = {
  live: 'LIVE',
  muted: 'muted',
  'on-hold': 'silent',
  idle: 'off',
};

/** Who is connected, and what becomes of the calls of those who are not. */
export function guestsText({ guests }: EngineStatus, now: number): string {
  const connected = guests.filter((guest) => guest.connected).length;
  const away = guests.filter((guest) => !guest.connected);
  const parts = [`${connected} connected`];
  const elsewhere = guests.filter((guest) => guest.connected && guest.active === false).length;
  if (elsewhere > 0) parts.push(`${elsewhere} used at another thin client`);
  if (away.length > 0) {
    const ends = Math.min(...away.map(({ leaseEndsAt = Infinity }) => leaseEndsAt));
    parts.push(`${away.length} away: calls end in ${leaseText(ends, now)}`);
  }
  return parts.join(', ');
}

export function deviceText(
  { devices, volumes, guestVolumes, standIns }: EngineStatus,
  role: AudioRole,
): string {
  const volume = (volumes[role] ?? 1) * (guestVolumes[role] ?? 1);
  const loud = volume === 1 ? '' : ` ${Math.round(volume * 100)} %`;
  const standIn = standIns[role] === undefined ? '' : ` GONE, ${clean(standIns[role])} stands in`;
  return `${roleNames[role]} ${clean(devices[role] ?? '')}${standIn}${loud}`;
}

/** One call, for one line. */
export function callText(call: EngineCall, now: number): string {
  const { media } = call;
  const notes = [
    call.microphone ? 'microphone live' : undefined,
    call.held ? 'held' : undefined,
    call.locallyMuted ? 'muted here' : undefined,
    call.muted ? 'muted by guest' : undefined,
    call.background ? 'in background' : undefined,
    call.guestConnected ? undefined : awayText(call, now),
  ].filter((note) => note !== undefined);
  const codec = [call.codec, call.srtp === undefined ? undefined : 'SRTP'].filter(Boolean);
  return [
    ...recordingMark(call),
    clean(call.label === '' ? call.id : call.label),
    call.state === 'active' ? clockText(now - call.openedAt) : call.state,
    ...(codec.length === 0 ? [] : [codec.join(' ')]),
    `loss ${media.lossPct.toFixed(1)} %`,
    ...(media.mos === undefined ? [] : [`MOS ${media.mos.toFixed(1)}`]),
    ...notes,
  ].join('  ');
}

function awayText({ leaseEndsAt, will }: EngineCall, now: number): string {
  if (leaseEndsAt === undefined) return 'GUEST AWAY';
  const told = will ? '' : ', far end not told';
  return `GUEST AWAY, ends in ${leaseText(leaseEndsAt, now)}${told}`;
}

export function lostText(ended: EngineStatus['ended'][number]): string {
  return `lost: ${endedText(ended)}`;
}

function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = `${Math.floor(seconds / 60) % 60}`;
  const hours = Math.floor(seconds / 3600);
  return hours === 0
    ? `${minutes}:${two(seconds % 60)}`
    : `${hours}:${minutes.padStart(2, '0')}:${two(seconds % 60)}`;
}
