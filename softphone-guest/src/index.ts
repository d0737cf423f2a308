export { controlEvents, controlMethods } from './control/api.ts';
export type {
  ControlEventName,
  ControlEvents,
  ControlInput,
  ControlMethodName,
  ControlParams,
  ControlResult,
} from './control/api.ts';
export type {
  AccountInfo,
  CallInfo,
  CheckInfo,
  DevicesInfo,
  EngineInfo,
  MediaInfo,
  MessageInfo,
  StatusInfo,
} from './control/schemas.ts';
export { CallMedia } from './call/call-media.ts';
export { MediaLink } from './media-link.ts';
export type { MediaPort } from './media-port.ts';
export { callStatistics, type CallStatistics } from './statistics/schema.ts';
