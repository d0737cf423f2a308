export { speech } from './speech.ts';
export { readPcm16, readWav, sine, writeWav } from './wav.ts';
export type { Audio } from './wav.ts';
export { dominantFrequency, findTone, goertzel, hasTone, level } from './tone.ts';
export type { ToneReport } from './tone.ts';
