import { pino, type DestinationStream } from 'pino';

/**
 * For whom a level is: error = somebody must act; warn = degraded and handled; info = one line a
 * call; debug = developers. Nothing secret may be passed, at any level.
 */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  /** A logger that adds these fields to every line. */
  child(fields: object): Logger;
}

/** Field names that never reach a log, in the fields of a line and up to two objects deep in them. */
const SECRET_FIELDS = ['password', 'password_command', 'token', 'key', 'secret', 'authorization'];

export interface LoggerOptions {
  /** The process, e.g. `offhook-engine`. */
  name: string;
  level?: LogLevel;
  /** Where lines go; standard error by default. One JSON object a line. */
  destination?: DestinationStream;
}

export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: { name: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[hidden]',
      },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** A logger that drops everything. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};
