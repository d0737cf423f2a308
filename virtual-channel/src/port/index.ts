export type { AllowList } from './allow-list.ts';
export { connectPort } from './connect-port.ts';
export type { ConnectPortOptions } from './connect-port.ts';
export { startPortHelper } from './helper.ts';
export type { PortHelper, PortHelperOptions } from './helper.ts';
export { peerProgram } from './peer-credentials.ts';
export { openPortFile } from './virtio-port.ts';
export type { PortFile } from './virtio-port.ts';
