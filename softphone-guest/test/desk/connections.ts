import type { Connection, Device } from '@offhook/cti-bridge';

/** A connection of a call, as the bridge tells of it. */
export function connection(
  id: string,
  device: string | undefined,
  state: Connection['state'],
  more: Partial<Connection> = {},
): Connection {
  return {
    id: `pbx:${id}`,
    call: 'pbx:1',
    ...(device === undefined ? {} : { device }),
    party: { number: device ?? '0301234567' },
    role: 'called',
    state,
    cause: 'normal',
    since: 1000,
    ...more,
  };
}

export function station(id: string, capabilities: Device['capabilities']): Device {
  return { id, kind: 'station', number: id, inService: true, capabilities };
}
