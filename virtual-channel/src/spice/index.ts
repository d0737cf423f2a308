export type { MigrationNews } from './connection.ts';
export { listenSpicePort } from './listen-port.ts';
export type { ListenPortOptions, SpiceLinkState, SpicePortListener } from './listen-port.ts';
export { parseDesktopFile, parseSpiceUri } from './source.ts';
export type { DesktopFile, SpiceSource } from './source.ts';
export { startSpiceProxy } from './proxy/spice-proxy.ts';
export type {
  SpiceProxy,
  SpiceProxyOptions,
  SpiceProxyState,
  ViewerEntrance,
} from './proxy/spice-proxy.ts';
export { desktopFileFor, desktopName } from './proxy/desktop-file.ts';
