import { existsSync, readFileSync } from 'node:fs';
import { findTone, readWav, type ToneReport } from '@offhook/common/audio';
import type { Engine } from './place.ts';

const NOTHING: ToneReport = { totalMs: 0, presentMs: 0, longestGapMs: 0, gapsMs: [] };

/** Where the tone is in what an engine has played so far. */
export function heard(engine: Pick<Engine, 'heard'>, hz: number): ToneReport {
  if (!existsSync(engine.heard)) return NOTHING;
  const bytes = readFileSync(engine.heard);
  // The file is there before its header is.
  return bytes.length < 64 ? NOTHING : findTone(readWav(bytes), hz);
}
