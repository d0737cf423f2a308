import { isOffhookError, parseConfig } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEngineConfig, engineConfig } from '../src/config.ts';
import { localCountry } from '../src/country.ts';
import { failureOf } from './sdp/support.ts';

const parse = (text: string) => parseConfig(text, { path: 'engine.toml', schema: engineConfig });

describe('the configuration', () => {
  it('needs no file', () => {
    const config = parse('');
    expect(config).toEqual(defineEngineConfig());
    expect(config.engine.listen).toEqual([expect.stringMatching(/^unix:\/.*engine\.sock$/u)]);
    expect(config.rtp).toMatchObject({ address: 'auto', ports: { from: 40_000, to: 40_999 } });
    expect(config.audio).toMatchObject({ input: 'default', output: 'default' });
  });

  it('takes what the documentation shows', () => {
    const config = parse(`
      [engine]
      listen = ["unix:/run/user/1000/engine.sock", "tls:0.0.0.0:7000"]
      [engine.tls]
      cert = "cert.pem"
      key = "key.pem"
      [rtp]
      address = "2001:db8::1"
      ports = "50000-50099"
      allow = ["192.0.2.0/24", "2001:db8::/32"]
      [audio]
      input = "tone:440"
      output = "file:/tmp/out.wav"
      country = "de"
    `);
    expect(config.engine.listen).toHaveLength(2);
    expect(config.rtp.ports).toEqual({ from: 50_000, to: 50_099 });
  });

  it.each([
    ['[rtp]\naddress = "somewhere"', 'rtp.address'],
    ['[rtp]\nports = "50000"', 'rtp.ports'],
    ['[rtp]\nports = "500-600"', 'rtp.ports'],
    ['[rtp]\nports = "50001-50001"', 'rtp.ports'],
    ['[rtp]\ndscp = 64', 'rtp.dscp'],
    ['[rtp]\nallow = ["192.0.2.0/33"]', 'rtp.allow'],
    ['[rtp]\ndeny = ["example.com"]', 'rtp.deny'],
    ['[rtp]\nlatching = "always"', 'rtp.latching'],
    ['[engine]\nlisten = "engine.sock"', 'engine.listen'],
    ['[engine]\nlisten = []', 'engine.listen'],
    ['[audio]\ninput = "microphone"', 'audio.input'],
    ['[audio]\noutput = "tone:440"', 'audio.output'],
    ['[audio]\ncountry = "Germany"', 'audio.country'],
    ['[audio]\njitter_buffer_min = 300', 'jitter_buffer'],
    ['[policy]\ncodecs = ["MP3"]', 'policy.codecs'],
    ['[policy]\nsession = 3', 'policy.session'],
  ])('names file, line and key of %j', (text, key) => {
    const failure = failureOf(() => parse(text));
    expect(isOffhookError(failure, 'invalid')).toBe(true);
    expect(String(failure)).toMatch(/engine\.toml:\d+/u);
    expect(String(failure)).toContain(key);
  });

  it('describes every key', () => {
    const undescribed: string[] = [];
    const visit = (schema: z.core.$ZodType, path: string) => {
      const { def } = schema._zod as { def: { innerType?: z.core.$ZodType; in?: z.core.$ZodType } };
      const inner = def.innerType ?? def.in;
      if (schema instanceof z.ZodObject) {
        for (const [name, value] of Object.entries(schema.shape)) {
          const key = path === '' ? name : `${path}.${name}`;
          if (!described(value)) undescribed.push(key);
          visit(value, key);
        }
      } else if (inner !== undefined) {
        visit(inner, path);
      }
    };
    visit(engineConfig, '');
    expect(undescribed).toEqual([]);
  });
});

/** Itself or what it wraps has a text. */
function described(schema: z.core.$ZodType): boolean {
  if ((schema as z.ZodType).description !== undefined) return true;
  const { def } = schema._zod as { def: { innerType?: z.core.$ZodType; in?: z.core.$ZodType } };
  const inner = def.innerType ?? def.in;
  return inner !== undefined && described(inner);
}

describe('the country of the tones', () => {
  it('is the configured one, else that of the locale, else none', () => {
    expect(localCountry('AT', {})).toBe('at');
    expect(localCountry('auto', { LANG: 'de_CH.UTF-8' })).toBe('ch');
    expect(localCountry('auto', { LC_ALL: 'en_GB', LANG: 'de_DE' })).toBe('gb');
    expect(localCountry('auto', { LANG: 'C.UTF-8' })).toBe('default');
    expect(localCountry('auto', {})).toBe('default');
  });
});
