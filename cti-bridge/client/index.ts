export { connectCti, followCti } from './cti-client.ts';
export type { CtiClient, CtiClientEvents, CtiClientOptions, CtiClientState } from './cti-client.ts';
export type { Mirror } from '../src/model/mirror.ts';
export type { ServiceParams, ServiceResult } from '../src/model/services.ts';
export type { ServiceName } from '../src/model/terms.ts';
export type { Call, Connection, CtiEvent, Device } from '../src/model/things.ts';
