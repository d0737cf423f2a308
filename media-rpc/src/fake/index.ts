export { FakeEngine } from './fake-engine.ts';
export type { FakeEngineOptions } from './fake-engine.ts';
export { FakeEngineHost } from './host.ts';
export type { FakeEngineHostOptions } from './host.ts';
