import { describe, expect, it } from 'vitest';
import { canEcho, voiceProcessing } from '../src/voice-policy.ts';

const device = (formFactor?: string) => ({
  id: 'pulse:x',
  name: 'X',
  roles: ['output' as const],
  present: true,
  ...(formFactor === undefined ? {} : { formFactor }),
});

describe('voice processing', () => {
  it('is on with a loudspeaker and off with a headset where nobody has decided', () => {
    const auto = {
      echoCancellation: 'auto',
      noiseSuppression: 'auto',
      gainControl: 'auto',
    } as const;
    expect(voiceProcessing([{}, auto], true)).toStrictEqual({
      echoCancellation: true,
      noiseSuppression: 'moderate',
      gainControl: true,
    });
    expect(voiceProcessing([auto, {}], false)).toStrictEqual({
      echoCancellation: false,
      noiseSuppression: 'off',
      gainControl: false,
    });
  });

  it('goes by the first who has decided, each part for itself', () => {
    const person = { echoCancellation: 'off' as const };
    const guest = { echoCancellation: 'on' as const, noiseSuppression: 'high' as const };
    const configured = { noiseSuppression: 'off' as const, gainControl: 'on' as const };
    expect(voiceProcessing([person, guest, configured], true)).toStrictEqual({
      echoCancellation: false,
      noiseSuppression: 'high',
      gainControl: true,
    });
    expect(voiceProcessing([{ echoCancellation: 'auto' }, guest], false).echoCancellation).toBe(
      true,
    );
  });

  it('takes every device for a loudspeaker of which it is not known that it is worn at the ear', () => {
    for (const one of [undefined, device(), device('speaker'), device('internal')])
      expect(canEcho(one)).toBe(true);
    for (const worn of ['headset', 'headphone', 'handset', 'hands-free'])
      expect(canEcho(device(worn))).toBe(false);
  });
});
