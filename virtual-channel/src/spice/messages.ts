import type { Layout } from './layout.ts';

/** Channel types, `spice/enums.h` SPICE_CHANNEL_*. */
export const ChannelType = {
  main: 1,
  display: 2,
  inputs: 3,
  cursor: 4,
  playback: 5,
  record: 6,
  tunnel: 7,
  smartcard: 8,
  usbredir: 9,
  port: 10,
  webdav: 11,
} as const;

interface MessageRow {
  /** The number in the mini header. */
  readonly type: number;
  readonly body: Layout;
}

/** spice.proto `BaseChannel`: every channel has these, from the server. */
export const baseFromServer = {
  /** flags: 1 = a FLUSH_MARK is wanted, 2 = MIGRATE_DATA will follow (SPICE_MIGRATE_NEED_*). */
  migrate: { type: 1, body: { flags: 'u32' } },
  migrateData: { type: 2, body: { data: 'rest' } },
  setAck: { type: 3, body: { generation: 'u32', window: 'u32' } },
  ping: { type: 4, body: { id: 'u32', timestamp: 'u64', padding: 'rest' } },
  waitForChannels: { type: 5, body: { list: 'rest' } },
  disconnecting: { type: 6, body: { timestamp: 'u64', reason: 'u32' } },
  notify: {
    type: 7,
    body: {
      timestamp: 'u64',
      severity: 'u32',
      visibility: 'u32',
      what: 'u32',
      length: 'u32',
      text: 'rest',
    },
  },
} as const satisfies Record<string, MessageRow>;

/** spice.proto `BaseChannel`, from the client. */
export const baseFromClient = {
  ackSync: { type: 1, body: { generation: 'u32' } },
  ack: { type: 2, body: {} },
  pong: { type: 3, body: { id: 'u32', timestamp: 'u64' } },
  migrateFlushMark: { type: 4, body: {} },
  migrateData: { type: 5, body: { data: 'rest' } },
  disconnecting: { type: 6, body: { timestamp: 'u64', reason: 'u32' } },
} as const satisfies Record<string, MessageRow>;

/** spice.proto `MigrationDstInfo`. `host` and `certSubject` end in NUL. */
const destination = { port: 'u16', securePort: 'u16', host: 'blob', certSubject: 'blob' } as const;

/** spice.proto `MainChannel`, from the server. Agent and mouse messages (105-110, 115) are passed over. */
export const mainFromServer = {
  migrateBegin: { type: 101, body: destination },
  migrateCancel: { type: 102, body: {} },
  init: {
    type: 103,
    body: {
      sessionId: 'u32',
      displayChannelsHint: 'u32',
      supportedMouseModes: 'u32',
      currentMouseMode: 'u32',
      agentConnected: 'u32',
      agentTokens: 'u32',
      multiMediaTime: 'u32',
      ramHint: 'u32',
    },
  },
  /** `channels`: pairs of u8 type, u8 id. */
  channelsList: { type: 104, body: { count: 'u32', channels: 'rest' } },
  migrateSwitchHost: { type: 111, body: destination },
  migrateEnd: { type: 112, body: {} },
  name: { type: 113, body: { length: 'u32', name: 'rest' } },
  uuid: { type: 114, body: { uuid: 'rest' } },
  migrateBeginSeamless: { type: 116, body: { ...destination, sourceVersion: 'u32' } },
  migrateDstSeamlessAck: { type: 117, body: {} },
  migrateDstSeamlessNack: { type: 118, body: {} },
} as const satisfies Record<string, MessageRow>;

/** spice.proto `MainChannel`, from the client. */
export const mainFromClient = {
  migrateConnected: { type: 102, body: {} },
  migrateConnectError: { type: 103, body: {} },
  attachChannels: { type: 104, body: {} },
  migrateEnd: { type: 109, body: {} },
  migrateDstDoSeamless: { type: 110, body: { sourceVersion: 'u32' } },
  migrateConnectedSeamless: { type: 111, body: {} },
} as const satisfies Record<string, MessageRow>;

/** spice.proto `SpicevmcChannel` and `PortChannel`, from the server. */
export const portFromServer = {
  data: { type: 101, body: { data: 'rest' } },
  /** Only sent to a client that offers the LZ4 capability; we do not. */
  compressedData: { type: 102, body: { data: 'rest' } },
  init: { type: 201, body: { name: 'blob', opened: 'u8' } },
  /** SPICE_PORT_EVENT_*: 0 opened, 1 closed, 2 break. */
  event: { type: 202, body: { event: 'u8' } },
} as const satisfies Record<string, MessageRow>;

/** spice.proto `PortChannel`, from the client. */
export const portFromClient = {
  data: { type: 101, body: { data: 'rest' } },
  event: { type: 201, body: { event: 'u8' } },
} as const satisfies Record<string, MessageRow>;

export const PortEvent = { opened: 0, closed: 1, break: 2 } as const;

/** SPICE_COMMON_CAP_*, `spice/protocol.h`: bit numbers. */
export const CommonCap = { authSelection: 0, authSpice: 1, authSasl: 2, miniHeader: 3 } as const;

/** SPICE_MAIN_CAP_*, `spice/protocol.h`: bit numbers. */
export const MainCap = {
  semiSeamlessMigrate: 0,
  nameAndUuid: 1,
  agentConnectedTokens: 2,
  seamlessMigrate: 3,
} as const;
