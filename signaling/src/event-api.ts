import type { EventSource } from '@offhook/common';
import type { Body } from './api.ts';

/** Subscriptions to events (RFC 6665) and publications of our own (RFC 3903). */

export interface SubscribeOptions {
  /** Event package, with parameters if it has any: `presence`, `dialog;sla`. */
  readonly event: string;
  /** Media types that we read, for Accept. */
  readonly accept: readonly string[];
  /** Seconds asked for; default 600. */
  readonly expires?: number;
  readonly headers?: readonly string[];
  readonly body?: Body;
}

export type SubscriptionState =
  /** A SUBSCRIBE is under way. */
  | { readonly state: 'subscribing' }
  /** Accepted; the notifier has not decided yet (RFC 6665 §4.1.3). */
  | { readonly state: 'pending'; readonly expiresAt: number }
  | { readonly state: 'active'; readonly expiresAt: number }
  /** Lost; the next try is at `retryAt`, wall-clock ms. */
  | {
      readonly state: 'waiting';
      readonly status: number;
      readonly reason: string;
      readonly retryAt: number;
    }
  /** For good: refused, the resource is no more, or closed by us (status 200). */
  | { readonly state: 'ended'; readonly status: number; readonly reason: string };

export interface Notification {
  readonly body: Body | undefined;
  readonly headers: (name: string) => readonly string[];
}

export interface SubscriptionEvents {
  state: SubscriptionState;
  /** Already answered 200. `body` is absent when the notifier has nothing to tell yet. */
  notify: Notification;
}

export interface Subscription extends EventSource<SubscriptionEvents> {
  readonly state: SubscriptionState;
  /** Subscribes anew where it waits, else refreshes at once, so that the notifier tells everything. */
  refresh(): void;
  /** Takes it back (Expires: 0); resolves when the notifier has said good-bye, or does not answer. */
  close(): Promise<void>;
}

export type PublicationState =
  | { readonly state: 'publishing' }
  | { readonly state: 'published'; readonly expiresAt: number }
  | {
      readonly state: 'waiting';
      readonly status: number;
      readonly reason: string;
      readonly retryAt: number;
    }
  | { readonly state: 'ended'; readonly status: number; readonly reason: string };

export interface Publication extends EventSource<{ state: PublicationState }> {
  readonly state: PublicationState;
  /** Replaces what is published; what is not sent yet is overtaken. */
  update(body: Body): void;
  /** Takes it back; resolves when that is answered, or nothing answers. */
  close(): Promise<void>;
}
