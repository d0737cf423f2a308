import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, OffhookError, silentLogger } from '@offhook/common';
import { afterAll, describe, expect, it } from 'vitest';
import { defineEngineConfig, type EngineConfigInput } from '../src/config.ts';
import { asking } from '../src/location/ask.ts';
import { LocationSource, type Saying } from '../src/location/location-source.ts';

const dir = mkdtempSync(join(tmpdir(), 'offhook-location-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function source(config: EngineConfigInput['location'], ask?: () => Promise<Saying>) {
  const clock = new ManualClock();
  const told: unknown[] = [];
  const location = new LocationSource({
    config: defineEngineConfig({ location: config }).location,
    ask,
    onChange: (now) => told.push(now),
    clock,
    logger: silentLogger,
  });
  return { clock, told, location };
}

describe('where the thin client is', () => {
  it('is not known unless somebody says', () => {
    expect(source(undefined).location.current).toBeNull();
  });

  it('stands in the configuration', () => {
    const { location } = source({ civic: { A3: 'Berlin' }, latitude: 52.5, longitude: 13.4 });
    expect(location.current).toEqual({
      civic: { A3: 'Berlin' },
      geo: { latitude: 52.5, longitude: 13.4 },
    });
  });

  it('is asked for again, told when it changes, and grows old when nobody answers', async () => {
    let say: () => string = () => 'civic = { A3 = "Berlin" }';
    const { clock, told, location } = source({ interval: 60, max_age: 100 }, () =>
      Promise.resolve().then(() => ({ text: say(), at: clock.wall() })),
    );
    await location.start();
    expect(told).toMatchObject([{ civic: { A3: 'Berlin' }, maxAgeMs: 100_000 }]);
    say = () => '{"civic": {"A3": "Hamburg"}}';
    await clock.advance(60_000);
    expect(told.at(-1)).toMatchObject({ civic: { A3: 'Hamburg' } });
    say = () => {
      throw new OffhookError('system', 'gone', 'the command failed');
    };
    await clock.advance(60_000);
    expect(location.problem).toContain('the command failed');
    expect(location.current).not.toHaveProperty('stale');
    await clock.advance(60_000);
    expect(told.at(-1)).toMatchObject({ civic: { A3: 'Hamburg' }, stale: true });
    location.close();
  });

  it('is what the configuration says as long as nobody else does', async () => {
    const { location } = source({ civic: { A3: 'Berlin' } }, () =>
      Promise.resolve({ text: 'civic = { street = "x" }', at: 0 }),
    );
    await location.start();
    expect(location.current).toEqual({ civic: { A3: 'Berlin' } });
    expect(location.problem).toContain('unknown key');
    location.close();
  });

  it('comes from a file or a command', async () => {
    const file = join(dir, 'place.toml');
    writeFileSync(file, 'latitude = 1.5\nlongitude = 2.5\n');
    const { interval, max_age } = defineEngineConfig().location;
    expect((await asking({ file, interval, max_age })?.())?.text).toContain('1.5');
    const command = ['printf', '{"latitude": 1, "longitude": 2}'];
    expect((await asking({ command, interval, max_age })?.())?.text).toContain('longitude');
    writeFileSync(file, '#'.repeat(20_000));
    await expect(asking({ file, interval, max_age })?.()).rejects.toThrow('more than 16384 bytes');
    expect(asking({ interval, max_age })).toBeUndefined();
  });

  it.each([
    [{ latitude: 1 }, 'latitude and longitude go together'],
    [{ file: 'a', command: ['b'] }, 'either file or command'],
  ])('cannot be %j', (config, message) => {
    expect(() => defineEngineConfig({ location: config })).toThrow(message);
  });
});
