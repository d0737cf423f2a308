import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, OffhookError, type Clock, type Logger } from '@offhook/common';
import { createClient, Variant, type DefinedInterface, type MessageBus } from 'dbus-native';
import type { GuestConfig } from '../config.ts';
import { controlEvents } from '../control/api.ts';
import { connectDaemon, type DaemonClient } from '../control/client.ts';
import type { CallInfo } from '../control/schemas.ts';
import type { Paths } from '../paths.ts';
import { VERSION } from '../version.ts';
import { RingingNotices } from './notifications.ts';
import { busAccount, busCall, PHONE_NAME, PHONE_PATH, phoneInterface } from './phone-interface.ts';
import { Players } from './players.ts';

/** Of what is asked of others on the bus: a player that hangs must not keep the next. */
const CALL_DEADLINE_MS = 2000;
const CONNECT_DEADLINE_MS = 5000;
/** D-Bus specification: do not wait in the queue for a name that is taken. */
const DO_NOT_QUEUE = 4;
/** A call as whose sound music would be heard. */
const HEARD: ReadonlySet<CallInfo['state']> = new Set([
  'dialing',
  'ringing',
  'early',
  'answering',
  'established',
]);

export interface DesktopParts {
  readonly config: GuestConfig['desktop'];
  readonly paths: Paths;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Desktop {
  close(): Promise<void>;
}

/**
 * The phone on the session bus of the desktop: a client of the daemon's own control socket, so that
 * nothing on the bus can do more than a script, or harm a call. Undefined, with a word in the log, where
 * there is no bus.
 */
export async function openDesktop(parts: DesktopParts): Promise<Desktop | undefined> {
  const { config, logger } = parts;
  if (!config.dbus && !config.pause_players && !config.notify) return undefined;
  const address = busAddress(parts.env);
  if (address === undefined) {
    logger.info({}, 'no session bus: other programs of the desktop do not see the phone');
    return undefined;
  }
  let bus: MessageBus | undefined;
  let daemon: DaemonClient | undefined;
  try {
    bus = await connect(address);
    daemon = await connectDaemon(parts.paths);
    return await serve(parts, bus, daemon);
  } catch (error) {
    await daemon?.close();
    await bus?.close();
    logger.warn({ reason: describeError(error) }, 'the session bus cannot be used');
    return undefined;
  }
}

async function serve(parts: DesktopParts, bus: MessageBus, daemon: DaemonClient): Promise<Desktop> {
  const { config, logger, clock } = parts;
  const calls = new Map<string, CallInfo>();
  const inCall = () => [...calls.values()].some(({ state, held }) => HEARD.has(state) && !held);
  const ask = (message: Parameters<MessageBus['invoke']>[0]) =>
    bus.invoke(message, { timeout: CALL_DEADLINE_MS });
  const phone = config.dbus
    ? phoneInterface({ daemon, version: VERSION, now: () => clock.now(), inCall })
    : undefined;
  if (phone !== undefined) await own(bus, phone, logger);
  const players = config.pause_players ? new Players(playerBus(ask)) : undefined;
  const notices = config.notify
    ? new RingingNotices(
        async ({ name, iface, body, ...call }) =>
          ask({ ...call, destination: name, interface: iface, body: [...body] }),
        new Variant('y', 2),
      )
    : undefined;
  let told = false;
  const follow = () => {
    const now = inCall();
    void players?.inCall(now);
    void notices?.ringing([...calls.values()].filter(({ state }) => state === 'incoming'));
    if (phone !== undefined && now !== told) {
      bus.emitPropertiesChanged(PHONE_PATH, PHONE_NAME, { InCall: now });
    }
    told = now;
  };
  const pressed = async (on: RingingNotices, notice: unknown, action: unknown): Promise<void> => {
    const chosen = await on.chosen(notice, action);
    if (chosen === undefined) return;
    try {
      await daemon.call(`call.${chosen.choice}`, { call: chosen.call });
    } catch (error) {
      logger.warn({ reason: describeError(error) }, 'what was chosen on the desktop failed');
    }
  };
  if (notices !== undefined) {
    await bus.watch(`type='signal',interface='${NOTICES}',member='ActionInvoked'`);
    bus.connection.on('message', ({ interface: iface, member, body = [] }) => {
      if (iface !== NOTICES || member !== 'ActionInvoked') return;
      void pressed(notices, body[0], body[1]);
    });
  }
  daemon.control.on('*', (params, name) => {
    if (name === 'call.changed' || name === 'call.ended') {
      const call = controlEvents[name].params.parse(params);
      if (name === 'call.ended' || call.state === 'ended') calls.delete(call.id);
      else calls.set(call.id, call);
      phone?.emit[name === 'call.ended' ? 'CallEnded' : 'CallChanged']?.(busCall(call));
      follow();
    }
    if (name === 'registration.changed') {
      phone?.emit['AccountChanged']?.(busAccount(controlEvents[name].params.parse(params)));
    }
  });
  await daemon.control.subscribe(['call.changed', 'call.ended', 'registration.changed']);
  for (const call of (await daemon.call('calls.list', {})).calls) calls.set(call.id, call);
  follow();
  return {
    async close() {
      await players?.inCall(false);
      await notices?.ringing([]);
      await daemon.close();
      await bus.close();
    },
  };
}

const NOTICES = 'org.freedesktop.Notifications';

async function own(bus: MessageBus, phone: DefinedInterface, logger: Logger): Promise<void> {
  await bus.export(PHONE_PATH, phone);
  const { isPrimaryOwner } = await bus.ownName(PHONE_NAME, DO_NOT_QUEUE);
  if (!isPrimaryOwner) logger.warn({ name: PHONE_NAME }, 'another phone has the name on the bus');
}

function playerBus(
  ask: (message: Parameters<MessageBus['invoke']>[0]) => PromiseLike<unknown>,
): ConstructorParameters<typeof Players>[0] {
  const driver = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' };
  const iface = 'org.freedesktop.DBus';
  return {
    names: async () =>
      (await ask({ ...driver, interface: iface, member: 'ListNames' })) as readonly string[],
    owner: async (name) =>
      String(
        await ask({
          ...driver,
          interface: iface,
          member: 'GetNameOwner',
          signature: 's',
          body: [name],
        }),
      ),
    property: async (destination, path, of, property) =>
      ask({
        destination,
        path,
        interface: 'org.freedesktop.DBus.Properties',
        member: 'Get',
        signature: 'ss',
        body: [of, property],
      }),
    call: async (destination, path, of, member) =>
      ask({ destination, path, interface: of, member }),
  };
}

/** What the desktop says (nothing, if that is empty), or where systemd has it. */
function busAddress(env: DesktopParts['env']): string | undefined {
  const told = env['DBUS_SESSION_BUS_ADDRESS'];
  if (told !== undefined) return told === '' ? undefined : told;
  const socket = join(env['XDG_RUNTIME_DIR'] ?? '/nowhere', 'bus');
  return existsSync(socket) ? `unix:path=${socket}` : undefined;
}

/** Resolves when the bus has said hello; comes back by itself when the bus does. */
async function connect(busAddress: string): Promise<MessageBus> {
  const bus = createClient({ busAddress, reconnect: true, timeout: CALL_DEADLINE_MS });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(
    () => reject(new OffhookError('system', 'timeout', 'the session bus does not answer')),
    CONNECT_DEADLINE_MS,
  );
  // Without a listener an error of the connection would end the process.
  bus.connection.on('error', reject);
  bus.on('reconnectError', () => undefined);
  bus.connection.on('handlerError', () => undefined);
  bus.getId().then(() => resolve(), reject);
  try {
    await promise;
    return bus;
  } catch (error) {
    await bus.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
}
