export * from './schemas.ts';
export { PROTOCOL, events, mediaErrors, methods } from './contract.ts';
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
