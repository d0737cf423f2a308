/** The layer that failed, as the user is told it: "channel: …", "engine: …". */
export type Layer =
  | 'config'
  | 'control'
  | 'channel'
  | 'rpc'
  | 'engine'
  | 'worker'
  | 'device'
  | 'media'
  | 'signaling'
  | 'call'
  | 'cti'
  | 'system';

export interface OffhookErrorOptions extends ErrorOptions {
  /** What the person can do about it: one imperative sentence. */
  remedy?: string | undefined;
  /** Facts for scripts and logs; never a secret. */
  details?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The one error class that crosses package borders. `code` is stable and machine-readable
 * (kebab-case, unique within its layer); `message` says what failed and where, for a person.
 */
export class OffhookError extends Error {
  override readonly name = 'OffhookError';
  readonly layer: Layer;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(layer: Layer, code: string, message: string, options: OffhookErrorOptions = {}) {
    super(message, options);
    this.layer = layer;
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details;
  }
}

/** True for an OffhookError, with that code if one is given. */
export function isOffhookError(error: unknown, code?: string): error is OffhookError {
  return error instanceof OffhookError && (code === undefined || error.code === code);
}

/** One line for a person: `layer: message. remedy`. Never a stack trace. */
export function describeError(error: unknown): string {
  if (error instanceof OffhookError) {
    const remedy = error.remedy === undefined ? '' : ` (${error.remedy})`;
    return `${error.layer}: ${error.message}${remedy}`;
  }
  return error instanceof Error ? error.message : String(error);
}
