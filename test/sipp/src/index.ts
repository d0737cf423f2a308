export { ManagedProcess } from './infra/process.ts';
export type { Exit, ProcessOptions } from './infra/process.ts';
export { freePort, freePorts, releasePorts } from './infra/ports.ts';
export { Sipp } from './infra/sipp.ts';
export type { SippOptions } from './infra/sipp.ts';
export { until } from './infra/wait.ts';
export { EngineProcess } from './phone/engine-process.ts';
export { GuestProcess } from './phone/guest-process.ts';
