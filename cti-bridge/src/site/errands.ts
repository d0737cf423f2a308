import { isOffhookError, OffhookError, withDeadline, type Logger } from '@offhook/common';
import type { Subject } from '../model/preconditions.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import { carried, siteMessage, type SiteReply, type SiteRequest } from './messages.ts';
import type { OwnedPbx } from './owned-pbx.ts';
import type { SiteStore } from './store.ts';

/** Longer than any adapter takes, so that it is the adapter that says why. */
const TIMEOUT_MS = 15_000;
const MAX_PENDING = 1000;

interface Pending {
  readonly pbx: string;
  readonly node: string;
  resolve(reply: SiteReply): void;
  reject(error: OffhookError): void;
}

export interface ErrandOptions {
  readonly store: SiteStore;
  readonly logger: Logger;
  readonly owned: (pbx: string) => OwnedPbx | undefined;
  /** Resolves once this process has seen that event. */
  readonly seen: (seq: number, signal: AbortSignal) => Promise<void>;
}

/** Requests from bridge to bridge. Each is sent once: what nobody answered may have been done. */
export class Errands {
  readonly #options: ErrandOptions;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(options: ErrandOptions) {
    this.#options = options;
  }

  /** @throws OffhookError `cti`: the owner's, `pbx-gone`, `timeout`, `overloaded`, `site-gone` */
  async send(
    node: string,
    pbx: string,
    { service, params }: ServiceRequest,
    subject: Subject,
    signal: AbortSignal,
  ): Promise<ServiceResult> {
    if (this.#pending.size >= MAX_PENDING) {
      throw new OffhookError('cti', 'overloaded', 'too many requests wait for other bridges');
    }
    const { store, seen } = this.#options;
    const id = this.#nextId++;
    const devices = [subject.device.id, ...subject.also];
    const errand: SiteRequest = {
      kind: 'request',
      id,
      from: store.node,
      pbx,
      service,
      params,
      devices,
    };
    const deadline = { layer: 'cti', what: service, ms: TIMEOUT_MS, signal } as const;
    try {
      return await withDeadline(deadline, async (within) => {
        const { promise, resolve, reject } = Promise.withResolvers<SiteReply>();
        promise.catch(() => undefined);
        this.#pending.set(id, { pbx, node, resolve, reject });
        await store.send(node, errand);
        const { result, error, seq } = await promise;
        await seen(seq, within);
        if (error === undefined) return result ?? {};
        const { code, message, remedy } = error;
        throw new OffhookError('cti', code, message, { remedy });
      });
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Who has what has changed: whoever waits for a node that no longer does is told. */
  owners(owners: Readonly<Record<string, string>>): void {
    for (const pending of this.#pending.values()) {
      const { pbx, node } = pending;
      if (owners[pbx] === node) continue;
      const message = `the bridge that had ${pbx} is gone; the request may have been done`;
      pending.reject(
        new OffhookError('cti', 'pbx-gone', message, { remedy: 'see what the events say of it' }),
      );
    }
  }

  message(raw: unknown): void {
    const parsed = siteMessage.safeParse(raw);
    if (!parsed.success) {
      this.#options.logger.warn(
        { reason: parsed.error.message },
        'a bridge said what is no message',
      );
    } else if (parsed.data.kind === 'reply') {
      this.#pending.get(parsed.data.id)?.resolve(parsed.data);
    } else {
      void this.#serve(parsed.data);
    }
  }

  close(): void {
    for (const pending of this.#pending.values()) {
      pending.reject(new OffhookError('cti', 'closed', 'the bridge is closing'));
    }
  }

  async #serve(asked: SiteRequest): Promise<void> {
    const { store, logger } = this.#options;
    const answer = await this.#perform(asked);
    try {
      await store.send(asked.from, { kind: 'reply', id: asked.id, ...answer });
    } catch (error) {
      logger.warn({ reason: String(error) }, 'another bridge could not be answered');
    }
  }

  async #perform(asked: SiteRequest): Promise<Omit<SiteReply, 'kind' | 'id'>> {
    try {
      const owned = this.#options.owned(asked.pbx);
      if (owned === undefined) {
        throw new OffhookError('cti', 'pbx-gone', `${asked.pbx} went to another bridge`, {
          remedy: 'ask again in a second',
        });
      }
      const allowed = new Set(asked.devices);
      // Between the two bridges' looks at it somebody may have come into the call.
      const allow = ({ device, also }: Subject) => {
        const other = [device.id, ...also].find((one) => !allowed.has(one));
        if (other === undefined) return;
        throw new OffhookError('cti', 'invalid-state', `${other} has come into it meanwhile`);
      };
      return await owned.request(carried(asked), AbortSignal.timeout(TIMEOUT_MS), allow);
    } catch (error) {
      if (!isOffhookError(error)) {
        this.#options.logger.error({ err: error }, 'a request of another bridge failed');
      }
      const { code, message, remedy } = isOffhookError(error)
        ? error
        : new OffhookError('cti', 'unexpected', 'something went wrong in the bridge of that PBX');
      return { seq: 0, error: { code, message, ...(remedy === undefined ? {} : { remedy }) } };
    }
  }
}
