import { readFile } from 'node:fs/promises';
import { readWav, type Audio } from '@offhook/common/audio';

const WAV_HEADER = 44;

/** A recording that may still be written, or not have been begun: then it is empty. */
export async function readRecording(file: string): Promise<Audio> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined || bytes.length < WAV_HEADER || bytes.readUInt32BE(0) !== RIFF)
    return { sampleRate: 8000, samples: new Float32Array(0) };
  return readWav(bytes);
}

const RIFF = 0x52494646;
