import type { Connection, ModelSnapshot } from '../model/things.ts';
import type { Principal } from './access.ts';
import type { LogEntry } from './wire.ts';

/**
 * What a reader may see: his devices, and every call in which one of them takes part, with all of
 * its parties; from the moment on that one does, to the moment at which the last one leaves.
 */

export function visibleSnapshot(who: Principal, snapshot: ModelSnapshot): ModelSnapshot {
  const calls = new Set(
    snapshot.connections.filter((one) => isOwn(who, one)).map(({ call }) => call),
  );
  return {
    devices: snapshot.devices.filter(({ id }) => who.sees(id)),
    connections: snapshot.connections.filter(({ call }) => calls.has(call)),
  };
}

export function visibleEntry(who: Principal, entry: LogEntry): LogEntry | undefined {
  const { event, call } = entry;
  if (event.device !== undefined) return who.sees(event.device.id) ? entry : undefined;
  const after = call?.connections.some((one) => isOwn(who, one)) === true;
  if (after) return entry;
  const { connection, moved = [] } = event;
  const before = [...(connection === undefined ? [] : [connection]), ...moved];
  if (call === undefined || !before.some((one) => isOwn(who, one))) return undefined;
  // The reader's last device has just left: what goes on there is none of his business.
  return { ...entry, call: { id: call.id, connections: [] } };
}

function isOwn(who: Principal, { device }: Connection): boolean {
  return device !== undefined && who.sees(device);
}
