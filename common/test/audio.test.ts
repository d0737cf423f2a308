import { describe, expect, it } from 'vitest';
import {
  dominantFrequency,
  findTone,
  goertzel,
  readWav,
  sine,
  writeWav,
} from '../src/audio/index.ts';

describe('WAVE files', () => {
  it('gives back what was written', () => {
    const audio = readWav(writeWav(sine(440, 0.1)));
    expect(audio.sampleRate).toBe(8000);
    expect(audio.samples).toHaveLength(800);
    expect(dominantFrequency(audio)).toBeCloseTo(440, 0);
  });

  it('reads a file that is still being written, whose length is not filled in', () => {
    const bytes = Buffer.from(writeWav(sine(440, 0.1)));
    bytes.writeUInt32LE(0, 40);
    expect(readWav(bytes).samples).toHaveLength(800);
  });

  it('refuses what is none', () => {
    expect(() => readWav(Buffer.from('no such thing as a RIFF'))).toThrow('not a WAVE file');
  });
});

describe('tones', () => {
  it('measures the level of a frequency in dBFS', () => {
    expect(goertzel(sine(440, 0.5).samples, 440, 8000)).toBeCloseTo(-6.02, 1);
    expect(goertzel(sine(440, 0.5).samples, 1000, 8000)).toBeLessThan(-60);
  });

  it('tells the strongest frequency to a tenth of a hertz', () => {
    expect(dominantFrequency(sine(997.3, 2))).toBeCloseTo(997.3, 1);
  });

  it('measures the gap in a tone', () => {
    const { samples } = sine(440, 2);
    samples.fill(0, 8000, 8000 + 0.3 * 8000);
    const report = findTone({ samples, sampleRate: 8000 }, 440);
    expect(report.longestGapMs).toBeGreaterThan(260);
    expect(report.longestGapMs).toBeLessThan(320);
    expect(report.gapsMs).toHaveLength(1);
  });

  it('finds no tone in silence, nor another one', () => {
    expect(findTone({ samples: new Float32Array(8000), sampleRate: 8000 }, 440).presentMs).toBe(0);
    expect(findTone(sine(1000, 1), 440).presentMs).toBe(0);
  });
});
