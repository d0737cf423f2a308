import type { EventSource, OffhookError } from '@offhook/common';
import type { EngineStatus, MediaLinkEvents, MediaPort } from './media-port.ts';

/** What the phone needs of its line to an engine, however many engines are behind it. */
export interface EngineLine extends MediaPort, EventSource<MediaLinkEvents> {
  readonly status: EngineStatus;
  /** How many sessions the engine allows us; undefined as long as none has said. */
  readonly maxSessions: number | undefined;
  /** Starts to connect; returns at once. */
  start(): void;
  /** Resolves when an engine serves, or the deadline has passed; true in the first case. */
  ready(timeoutMs: number): Promise<boolean>;
  /** Resolves when the first attempt to connect has come to something, or at the deadline. */
  settled(timeoutMs: number): Promise<void>;
  /** In words, with the layer. */
  notConnected(): OffhookError;
  /** The same for one session, wherever it is. */
  portFor(id: string): MediaPort;
  close(): Promise<void>;
}
