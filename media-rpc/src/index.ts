export * from './location.ts';
export * from './schemas.ts';
export { events, HEADSET_BUTTONS, mediaErrors, methods, PROTOCOL } from './contract.ts';
export type {
  EventName,
  EventParams,
  MediaErrorCode,
  MediaEvents,
  MethodInput,
  MethodName,
  MethodParams,
  MethodResult,
} from './contract.ts';
export { mediaError } from './engine.ts';
export type { MediaClient, MediaClientEvents, MediaEngine } from './engine.ts';
export { connectMedia } from './media-client.ts';
export type { ConnectMediaOptions, MediaConnection } from './media-client.ts';
export { serveMedia } from './media-server.ts';
export type {
  GuestConnection,
  MediaServer,
  MediaServerEvents,
  ServeMediaOptions,
} from './media-server.ts';
export type { LinkPeer } from './link.ts';
