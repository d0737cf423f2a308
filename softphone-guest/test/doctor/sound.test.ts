import { describe, expect, it } from 'vitest';
import { refuseEmergency, soundChecks, type SoundFacts } from '../../src/doctor/test-call.ts';

const direction = { packets: 200, bytes: 32_000, lost: 0, lossPct: 0, jitterMs: 1 };
const good: SoundFacts = {
  stats: {
    id: 's',
    tx: direction,
    rx: direction,
    rttMs: 3,
    concealedPct: 0,
    jitterBufferMs: 40,
  },
  ours: '192.168.77.2:40000',
  theirs: '203.0.113.5:10000',
};

describe('the sound of a test call', () => {
  it('goes and comes', () => {
    expect(soundChecks(good)).toMatchObject([
      {
        level: 'ok',
        message:
          'sent 200 packets from 192.168.77.2:40000 to 203.0.113.5:10000, where all but 0.0 % arrives',
      },
      { level: 'ok', message: 'received 200 packets, 0.0 % lost' },
    ]);
  });

  it('nothing is sent', () => {
    const stats = { ...good.stats, tx: { ...direction, packets: 0 } } as SoundFacts['stats'];
    expect(soundChecks({ ...good, stats })[0]).toMatchObject({
      level: 'fail',
      remedy: expect.stringContaining('microphone') as string,
    });
  });

  it('nothing comes: the remedy depends on whose addresses are private', () => {
    const { rttMs: _rttMs, ...silent } = { ...good.stats, rx: { ...direction, packets: 0 } };
    const stats = silent as SoundFacts['stats'];
    expect(soundChecks({ ...good, stats })).toMatchObject([
      { level: 'ok', message: expect.stringContaining('does not report') as string },
      { level: 'fail', remedy: expect.stringContaining('is private') as string },
    ]);
    expect(soundChecks({ ...good, theirs: '192.168.77.9:1', stats })[1]?.remedy).toContain('UDP');
  });

  it('without figures the engine is to blame', () => {
    expect(soundChecks({ ...good, stats: undefined })).toMatchObject([{ layer: 'engine' }]);
  });

  it('help is not called to try it', () => {
    expect(() => refuseEmergency('112')).toThrow('112 is an emergency number');
    expect(() => refuseEmergency(undefined)).not.toThrow();
  });
});
