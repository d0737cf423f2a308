import type { AudioRole } from '@offhook/media-rpc';
import type { EngineCall, EngineStatus } from '../control/api.ts';
import { ask } from './client.ts';
import { clean, print, table, type Context } from './output.ts';

const roles = ['input', 'output', 'ringer'] as const satisfies readonly AudioRole[];

const roleNames: Readonly<Record<AudioRole, string>> = {
  input: 'microphone',
  output: 'speaker',
  ringer: 'ringer',
};

const microphoneTexts = {
  live: 'LIVE: what is said here is heard',
  muted: 'muted',
  'on-hold': 'silent (no call that could hear it)',
  idle: 'idle',
} as const;

export async function status(context: Context): Promise<void> {
  const found = await ask(context.stateDir, 'status', {});
  const { worker, guests, devices, volumes } = found;
  const connected = guests.filter((guest) => guest.connected).length;
  const lines = [
    `engine      ${found.version}, process ${found.pid}`,
    `channel     ${found.listen.join(', ')}`,
    ...(found.spice === undefined ? [] : [`desktop     ${desktopText(found.spice)}`]),
    `worker      ${worker.state}${worker.message === '' ? '' : ` (${worker.message})`}`,
    `guests      ${connected} connected${away(guests.length - connected)}`,
    `calls       ${found.calls}`,
    ...roles.map((role) => {
      const volume = volumes[role] === 1 ? '' : `, volume ${volumes[role]}`;
      return `${roleNames[role].padEnd(10)}  ${clean(devices[role] ?? '')}${volume}`;
    }),
    `microphone  ${microphoneTexts[found.microphone]}`,
  ];
  print(context, found, lines.join('\n'));
}

function desktopText({ address, state, message }: NonNullable<EngineStatus['spice']>): string {
  return clean(`${address}, ${state}${message === '' ? '' : ` (${message})`}`);
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
          ['ID', 'WITH', 'STATE', 'CODEC', 'TO', 'LOSS', 'MOS'],
          ...found.calls.map((call) => [
            call.id,
            clean(call.label),
            stateText(call),
            [call.codec, call.srtp === undefined ? undefined : 'SRTP'].filter(Boolean).join(' '),
            call.remote === undefined ? '' : `${call.remote.address}:${call.remote.port}`,
            `${call.media.lossPct.toFixed(1)} %`,
            call.media.mos?.toFixed(1) ?? '-',
          ]),
        ]);
  print(context, found, text);
}

function stateText(call: EngineCall): string {
  const notes = [
    call.microphone ? 'microphone live' : undefined,
    call.held ? 'held' : undefined,
    call.locallyMuted ? 'muted here' : undefined,
    call.muted ? 'muted by the guest' : undefined,
    call.background ? 'in the background' : undefined,
    call.guestConnected ? undefined : 'guest away',
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? call.state : `${call.state} (${notes.join(', ')})`;
}

const done = {
  'calls.hangup': 'hung up',
  'calls.mute': 'muted',
  'calls.unmute': 'no longer muted',
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
    device.present ? '' : 'not plugged in',
  ]);
  print(context, found, table([[' ', 'DEVICE', 'NAME', 'FOR (* in use)', ''], ...rows]));
}

export async function selectDevice(context: Context, role: AudioRole, id: string): Promise<void> {
  await ask(context.stateDir, 'devices.select', { role, id });
  print(context, { role, id }, `${roleNames[role]}: ${clean(id)}`);
}

export async function setVolume(context: Context, role: AudioRole, volume: number): Promise<void> {
  await ask(context.stateDir, 'volume', { role, volume });
  print(context, { role, volume }, `${roleNames[role]}: volume ${volume}`);
}
