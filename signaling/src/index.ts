export { createUserAgent } from './ua/user-agent.ts';
export type * from './api.ts';
