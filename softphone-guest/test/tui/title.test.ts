import { describe, expect, it } from 'vitest';
import { initialState, type PhoneState } from '../../src/tui/state.ts';
import { keepTitle, titleOf } from '../../src/tui/title.ts';
import { callInfo } from './call-info.ts';

const ringing = callInfo({ id: 'r', state: 'incoming', remoteName: 'Carol\u0007\u001b]2;x' });

describe('the title of the terminal', () => {
  it('names who calls, else who talks', () => {
    expect(titleOf({ calls: [] })).toBe('Offhook');
    expect(titleOf({ calls: [callInfo()] })).toMatch(/^.*bob.* - Offhook$/);
    expect(titleOf({ calls: [callInfo(), ringing] })).toMatch(/^INCOMING CALL Carol/);
  });

  it('has nothing in it that a caller could steer the terminal with, and an end', () => {
    const remoteName = `Carol\u0007\u001b]2;${'x'.repeat(500)}`;
    const title = titleOf({ calls: [callInfo({ state: 'incoming', remoteName })] });
    expect(title).not.toMatch(/\p{Cc}/u);
    expect(title.length).toBeLessThanOrEqual(80);
  });

  it('is written when it changes, and put back in the end; never when it is switched off', () => {
    let state: PhoneState = initialState;
    let listener = () => undefined as void;
    const written: string[] = [];
    const store = {
      getState: () => state,
      subscribe: (one: () => void) => {
        listener = one;
        return () => {
          listener = () => undefined;
        };
      },
    };
    const put = (next: Partial<PhoneState>) => {
      state = { ...state, ...next };
      listener();
    };
    const end = keepTitle(store, (sequence) => written.push(sequence));
    put({ doNotDisturb: true });
    put({ calls: [ringing] });
    end();
    expect(written).toHaveLength(4);
    expect(written.slice(0, 2)).toEqual(['\u001b[22;2t', '\u001b]2;Offhook\u0007']);
    expect(written[2]).toMatch(/INCOMING CALL/);
    expect(written[3]).toBe('\u001b[23;2t');

    written.length = 0;
    put({ screen: { title: false, bell: true } });
    keepTitle(store, (sequence) => written.push(sequence))();
    expect(written).toEqual([]);
  });
});
