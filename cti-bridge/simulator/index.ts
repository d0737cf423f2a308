/** A simulated switch that speaks CSTA: for tests, and to show the bridge where there is no PBX. */
export { serveSwitch } from './serve.ts';
export type { ServedSwitch } from './serve.ts';
export { CstaSpeaker, NAMESPACE } from './speaker.ts';
export type { LegState, SimEvent, SimLeg, SimPhone, SimSwitch } from './switch.ts';
