export { Mux } from './mux.ts';
export type { MuxEvents, MuxOptions } from './mux.ts';
