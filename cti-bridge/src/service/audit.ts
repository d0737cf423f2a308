import { createLogger, type Logger } from '@offhook/common';
import { openSync, writeSync } from 'node:fs';

/** One line for each request that would change something: who asked for what, and what came of it. */
export interface Audit {
  record(entry: {
    readonly who: string;
    readonly from: string;
    readonly service: string;
    readonly params: object;
    /** `ok`, or the code of the refusal. */
    readonly result: string;
  }): void;
}

/** To a file of its own (0600, appended to), or to the log. */
export function createAudit(file: string | undefined, logger: Logger): Audit {
  const target = file === undefined ? logger : fileLogger(file);
  return { record: (entry) => target.info(entry, 'audit') };
}

function fileLogger(file: string): Logger {
  const descriptor = openSync(file, 'a', 0o600);
  const destination = { write: (line: string) => void writeSync(descriptor, line) };
  return createLogger({ name: 'offhook-cti-audit', destination });
}
