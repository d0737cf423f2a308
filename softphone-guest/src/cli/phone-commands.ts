import { OffhookError } from '@offhook/common/errors';
import { printJson } from '@offhook/common/cli';
import { controlEvents } from '../control/api.ts';
import type { DevicesInfo, EnginesInfo } from '../control/schemas.ts';
import type { Context } from './call-commands.ts';
import { connectDaemon, withDaemon } from '../control/client.ts';
import { printable } from '@offhook/common/printable';
import { table } from '../text/table.ts';
import { accountWords, statusText } from '../text/words.ts';

/** Commands about the phone rather than a call. */

const REGISTER_DEADLINE_MS = 60_000;

export async function status({ paths, json, output }: Context): Promise<void> {
  const info = await withDaemon(paths, (daemon) => daemon.call('status', {}));
  if (json) printJson(output, info);
  else output.out(statusText(info));
}

export async function register(
  { paths, json, output }: Context,
  account: string | undefined,
  wanted: boolean,
): Promise<void> {
  const info = await withDaemon(paths, (daemon) =>
    daemon.call(
      wanted ? 'account.register' : 'account.unregister',
      account === undefined ? {} : { account },
      { timeoutMs: REGISTER_DEADLINE_MS },
    ),
  );
  if (json) printJson(output, info);
  else output.out(`${info.aor}: ${accountWords(info)}\n`);
}

export async function devices(
  { paths, json, output }: Context,
  selection: { role: 'input' | 'output' | 'ringer'; id: string } | undefined,
): Promise<void> {
  const info = await withDaemon(paths, (daemon) =>
    selection === undefined
      ? daemon.call('devices.list', {})
      : daemon.call('devices.select', selection),
  );
  if (json) printJson(output, info);
  else output.out(devicesTable(info));
}

function rolesOf(chosen: Readonly<Record<string, string>>, device: string): readonly string[] {
  return Object.entries(chosen)
    .filter(([, id]) => id === device)
    .map(([role]) => role);
}

function devicesTable({ devices: list, selected, standIns = {} }: DevicesInfo): string {
  if (list.length === 0) return 'the thin client has no audio devices\n';
  return table([
    ['DEVICE', 'NAME', 'ROLES', 'USED AS'],
    ...list.map((device) => [
      device.id,
      printable(device.present ? device.name : `${device.name} (not plugged in)`),
      device.roles.join(', '),
      [
        ...rolesOf(selected, device.id),
        ...rolesOf(standIns, device.id).map((role) => `${role} (stands in)`),
      ].join(', '),
    ]),
  ]);
}

/** Moves the phone to another thin client, or lists them. */
export async function use(
  { paths, json, output }: Context,
  channel: string | undefined,
): Promise<void> {
  const info = await withDaemon(paths, (daemon) =>
    channel === undefined
      ? daemon.call('engines.list', {})
      : daemon.call('engines.use', { channel }),
  );
  if (json) printJson(output, info);
  else output.out(enginesTable(info));
}

function enginesTable({ engines }: EnginesInfo): string {
  return table([
    ['ENGINE', 'WHERE', 'STATE'],
    ...engines.map(({ channel, kind, active, connected }) => [
      channel,
      kind === 'client' ? 'thin client' : 'in the guest',
      `${active ? 'in use, ' : ''}${connected ? 'connected' : 'not connected'}`,
    ]),
  ]);
}

/** Streams the daemon's events, one JSON object a line, until it ends or the reader goes. */
export async function events({ paths, output }: Context, names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !Object.hasOwn(controlEvents, name));
  if (unknown !== undefined) {
    const known = Object.keys(controlEvents).join(', ');
    throw new OffhookError('control', 'invalid-params', `no event ${unknown}; there are: ${known}`);
  }
  const daemon = await connectDaemon(paths);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  daemon.control.on('*', (params, event) => printJson(output, { event, params }));
  daemon.control.onClose((error) => (error === undefined ? resolve() : reject(error)));
  const stop = () => void daemon.close();
  process.stdout.once('error', stop);
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    await daemon.control.subscribe(names.length === 0 ? undefined : names);
    await promise;
  } finally {
    await daemon.close();
  }
}
