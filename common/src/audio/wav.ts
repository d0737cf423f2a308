/** Mono samples, -1…1, and how many of them make a second. */
export interface Audio {
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

const FULL_SCALE = 32_768;

/**
 * Reads one channel of a RIFF/WAVE file of 16-bit PCM, the first by default. Tolerates a file that is
 * still being written: a length of zero or beyond the end means "as far as there is".
 */
export function readWav(bytes: Uint8Array, channel = 0): Audio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tag(bytes, 0) !== 'RIFF' || tag(bytes, 8) !== 'WAVE')
    throw new Error('not a WAVE file');
  let format: { channels: number; sampleRate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (tag(bytes, at) === 'fmt ' && body + 16 <= bytes.length) {
      format = {
        channels: view.getUint16(body + 2, true),
        sampleRate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      };
    }
    if (tag(bytes, at) === 'data') {
      if (format === undefined) throw new Error('a WAVE file without a format');
      if (format.bits !== 16) throw new Error(`a WAVE file of ${format.bits} bits a sample`);
      const end = size === 0 ? bytes.length : Math.min(bytes.length, body + size);
      return {
        sampleRate: format.sampleRate,
        samples: readPcm16(bytes.subarray(body + 2 * channel, end), format.channels),
      };
    }
    at = body + size + (size % 2);
  }
  return { sampleRate: format?.sampleRate ?? 8000, samples: new Float32Array(0) };
}

/** Little-endian 16-bit PCM, the first of `channels`. */
export function readPcm16(bytes: Uint8Array, channels = 1): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor((bytes.length / 2 + channels - 1) / channels);
  return Float32Array.from(
    { length: count },
    (_, index) => view.getInt16(2 * channels * index, true) / FULL_SCALE,
  );
}

/** A mono 16-bit WAVE file. */
export function writeWav(audio: Audio): Uint8Array {
  const { samples, sampleRate } = audio;
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0, 'ascii');
  bytes.writeUInt32LE(36 + 2 * samples.length, 4);
  bytes.write('WAVEfmt ', 8, 'ascii');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRate, 24);
  bytes.writeUInt32LE(2 * sampleRate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'ascii');
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((sample, index) => {
    const scaled = Math.round(sample * (FULL_SCALE - 1));
    bytes.writeInt16LE(Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, scaled)), 44 + 2 * index);
  });
  return bytes;
}

/** A sine; `level` is its peak, 0…1. */
export function sine(hz: number, seconds: number, sampleRate = 8000, level = 0.5): Audio {
  const samples = Float32Array.from(
    { length: Math.round(seconds * sampleRate) },
    (_, index) => level * Math.sin((2 * Math.PI * hz * index) / sampleRate),
  );
  return { sampleRate, samples };
}

function tag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
