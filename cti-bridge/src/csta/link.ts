import type { OffhookError } from '@offhook/common';

/** A way to a CSTA switch or phone: one request at a time gets its response, events come by themselves. */
export interface CstaLink {
  /** Sends a request and resolves with its response, both whole XML documents. */
  request(xml: string, signal: AbortSignal): Promise<string>;
  /** Idempotent. */
  close(): void;
}

export interface CstaLinkHandlers {
  onEvent(xml: string): void;
  /** Told once, unless `close` was called. */
  onClose(reason: OffhookError): void;
}

export type ConnectLink = (handlers: CstaLinkHandlers, signal: AbortSignal) => Promise<CstaLink>;
