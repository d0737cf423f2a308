export type { MigrationNews } from './connection.ts';
export { listenSpicePort } from './listen-port.ts';
export type { ListenPortOptions, SpiceLinkState, SpicePortListener } from './listen-port.ts';
export { parseDesktopFile, parseSpiceUri } from './source.ts';
export type { DesktopFile, SpiceSource } from './source.ts';
