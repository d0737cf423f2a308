export { OffhookError, isOffhookError, describeError } from './errors.ts';
export type { Layer, OffhookErrorOptions } from './errors.ts';
export { systemClock, ManualClock } from './clock.ts';
export type { Clock, Timer } from './clock.ts';
export { Emitter } from './emitter.ts';
export type { EventSource } from './emitter.ts';
export { createLogger, silentLogger } from './log.ts';
export type { Logger, LogLevel, LoggerOptions } from './log.ts';
export { withDeadline } from './wait.ts';
