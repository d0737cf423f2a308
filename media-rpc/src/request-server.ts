import { describeError, OffhookError, type Logger } from '@offhook/common';
import { events, methods, type EventName, type MethodName } from './contract.ts';
import { mediaError, type MediaEngine } from './engine.ts';
import { CANCEL, cancelParams, fromGuest, toWire } from './json-rpc.ts';

/** Requests of one guest that may be in the works at a time. */
const MAX_PENDING = 256;

/** What a request server needs of a link. */
export interface RequestLink {
  send(message: object, droppable: boolean): boolean;
  complain(what: string): void;
}

/** Carries requests to an engine, and its answers and events back. */
export class RequestServer {
  readonly #engine: MediaEngine;
  readonly #logger: Logger;
  readonly #link: RequestLink;
  readonly #pending = new Map<number, AbortController>();
  readonly #unsubscribe: (() => void)[];
  #stopped = false;

  constructor(engine: MediaEngine, logger: Logger, link: RequestLink) {
    this.#engine = engine;
    this.#logger = logger;
    this.#link = link;
    this.#unsubscribe = (Object.keys(events) as EventName[]).map((name) =>
      engine.on(name, (params) => {
        this.#safely(name, { jsonrpc: '2.0', method: name, params }, events[name].droppable);
      }),
    );
  }

  receive(data: unknown): void {
    const parsed = fromGuest.safeParse(data);
    if (!parsed.success) {
      this.#link.complain('a message of the guest is not understood');
      return;
    }
    const { id, method, params = {} } = parsed.data;
    if (id !== undefined) void this.#request(id, method, params);
    else if (method === CANCEL) this.#cancel(params);
  }

  /** The guest is gone: nothing more is sent, and what is in the works is aborted. */
  stop(): void {
    this.#stopped = true;
    for (const off of this.#unsubscribe) off();
    for (const controller of this.#pending.values()) controller.abort(cancelled());
  }

  async #request(id: number, method: string, params: unknown): Promise<void> {
    if (this.#pending.has(id) || this.#pending.size >= MAX_PENDING) {
      this.#answer(id, { error: toWire(tooMany()) });
      return;
    }
    const controller = new AbortController();
    this.#pending.set(id, controller);
    try {
      const result = await this.#run(method, params, controller.signal);
      if (this.#finish(id, controller)) this.#answer(id, { result });
    } catch (error) {
      if (!this.#finish(id, controller)) return;
      this.#answer(id, { error: toWire(this.#translate(method, error)) });
    }
  }

  /** False for a request that was taken back: nobody waits for its answer. */
  #finish(id: number, controller: AbortController): boolean {
    if (this.#pending.get(id) !== controller) return false;
    this.#pending.delete(id);
    return true;
  }

  #run(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (!isMethod(method)) {
      throw new OffhookError('rpc', 'unknown-method', `the engine has no method ${method}`, {
        remedy: 'update the engine',
      });
    }
    const parsed = methods[method].params.safeParse(params);
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) =>
        path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`,
      );
      throw mediaError('invalid-params', `${method}: ${problems.join('; ')}`);
    }
    return this.#engine.handle(method, parsed.data, { signal });
  }

  #cancel(params: unknown): void {
    const parsed = cancelParams.safeParse(params);
    if (!parsed.success) return;
    this.#pending.get(parsed.data.id)?.abort(cancelled());
    // At once: an engine that does not heed its signal must not use up the guest's requests.
    this.#pending.delete(parsed.data.id);
  }

  /** The errors of the method's row cross as they are; of any other only the guest's log is told. */
  #translate(method: string, error: unknown): OffhookError {
    if (error instanceof OffhookError) {
      if (error.layer === 'rpc' || error.code === 'invalid-params') return error;
      const allowed: readonly string[] = isMethod(method) ? methods[method].errors : [];
      if (error.layer === 'engine' && allowed.includes(error.code)) return error;
    }
    this.#logger.error({ err: error, method }, 'engine method failed outside its contract');
    const what = error instanceof OffhookError ? describeError(error) : 'see the log of the engine';
    return new OffhookError('rpc', 'internal', `${method} failed: ${what}`);
  }

  #answer(id: number, body: object): void {
    this.#safely('response', { jsonrpc: '2.0', id, ...body }, false, (error) => {
      this.#link.send({ jsonrpc: '2.0', id, error: toWire(error) }, false);
    });
  }

  /** What is too large to be sent must not take the engine down. */
  #safely(
    what: string,
    message: object,
    droppable: boolean,
    instead: (error: OffhookError) => void = () => undefined,
  ): void {
    if (this.#stopped) return;
    try {
      this.#link.send(message, droppable);
    } catch (error) {
      this.#logger.error({ err: error, what }, 'a message to the guest could not be sent');
      instead(new OffhookError('rpc', 'too-large', describeError(error)));
    }
  }
}

function isMethod(name: string): name is MethodName {
  return Object.hasOwn(methods, name);
}

function cancelled(): OffhookError {
  return new OffhookError('rpc', 'cancelled', 'the guest has taken the request back');
}

function tooMany(): OffhookError {
  return new OffhookError(
    'rpc',
    'too-many-requests',
    `more than ${MAX_PENDING} requests at a time`,
  );
}
