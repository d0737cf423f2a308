export { OffhookError, isOffhookError, describeError } from './errors.ts';
export type { Layer, OffhookErrorOptions } from './errors.ts';
export { systemClock, ManualClock } from './clock.ts';
export type { Clock, Timer } from './clock.ts';
export { Emitter } from './emitter.ts';
export { guardProcess } from './guard-process.ts';
export type { EventSource } from './emitter.ts';
export { createLogger, silentLogger } from './log.ts';
export type { Logger, LogLevel, LoggerOptions } from './log.ts';
export { withDeadline } from './wait.ts';
export { loadConfig, parseConfig, parseLayers, readConfigText } from './config-file.ts';
export type { ConfigProblem, ConfigText, LoadConfigOptions, PlacedConfig } from './config-file.ts';
export { xdgConfigFile, xdgRuntimeDir, xdgStateDir } from './xdg.ts';
export { controlMethod, serveControl } from './control-server.ts';
export type {
  ControlMethod,
  ControlMethods,
  ControlServer,
  ServeControlOptions,
} from './control-server.ts';
export { connectControl } from './control-client.ts';
export type { ConnectControlOptions, ControlCallOptions, ControlClient } from './control-client.ts';
export { connectUnix, listenUnix } from './unix-socket.ts';
export { machineAddresses } from './machine-addresses.ts';
export { exited, stopProcess } from './process.ts';
export type { ProcessExit } from './process.ts';
export { LineReader } from './line-reader.ts';
