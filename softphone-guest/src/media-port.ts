import type { Clock, Layer, Logger } from '@offhook/common';
import type {
  MediaClient,
  MediaEvents,
  MethodInput,
  MethodName,
  MethodResult,
  SessionState,
  ThinClientLocation,
} from '@offhook/media-rpc';
import type { DesiredSession } from './reconcile.ts';

export type EngineStatus =
  | { readonly state: 'connecting'; readonly channel: string }
  | {
      readonly state: 'connected';
      readonly channel: string;
      /** The engine's instance: another one after it was started again. */
      readonly engine: string;
      readonly worker: 'up' | 'restarting' | 'failed';
      /** What the thin client grants us, ms; less than we asked for where its policy says so. */
      readonly leaseMs: number;
      /** Where the thin client is, if it knows. */
      readonly location?: ThinClientLocation | undefined;
    }
  | {
      readonly state: 'disconnected';
      readonly channel: string;
      /** Which layer failed, and how, in words. */
      readonly layer: Layer;
      readonly reason: string;
      readonly remedy: string | undefined;
    };

export interface MediaLinkEvents extends MediaEvents {
  status: EngineStatus;
  /** The engine has the session as we left it. */
  adopted: SessionState;
  /** The engine has another revision: offer anew. */
  stale: SessionState;
  /** The engine does not have the session. */
  lost: { readonly id: string };
  /**
   * By the clock of the thin client we were away for longer than by ours: the virtual machine was
   * paused. `ms`: for how long.
   */
  frozen: { readonly ms: number };
  /** The engine has a session that nobody here knows, because our journal was lost. */
  stray: SessionState;
}

/** What a call needs of the link. */
export interface MediaPort {
  readonly connected: boolean;
  /**
   * Rejects with the contract's errors; without an engine with `{layer: 'engine', code:
   * 'not-connected'}`. `retry`: when the channel breaks, waits for the next one and repeats the
   * command (every command of the contract can be repeated safely).
   */
  call<M extends MethodName>(
    method: M,
    params: MethodInput<M>,
    options?: { signal?: AbortSignal; timeoutMs?: number; retry?: boolean },
  ): Promise<MethodResult<M>>;
}

export interface MediaLinkOptions {
  /** For people: the configured address. */
  readonly channel: string;
  readonly connect: (signal: AbortSignal) => Promise<MediaClient>;
  readonly leaseMs: number;
  /** What the calls want the engine to have. */
  readonly desired: () => readonly DesiredSession[];
  /** Whether that is all there is; `healthy` by default. */
  readonly journal?: () => 'healthy' | 'lost';
  readonly clock: Clock;
  readonly logger: Logger;
}
