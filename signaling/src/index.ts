export { resolverAt } from './dns/system-resolver.ts';
export { createUserAgent } from './ua/user-agent.ts';
export type * from './api.ts';
export type * from './call-api.ts';
export type * from './event-api.ts';
export type * from './request-api.ts';
export { noMedia } from './ua/session/no-media.ts';
