import { describe, expect, it } from 'vitest';
import { ButtonReader, hasButtons } from '../../src/headset/button.ts';
import { KEY, keyBitmap, keyEvents } from './input-events.ts';

describe('struct input_event', () => {
  it('is a button when a key goes down, and none when it comes up or is unknown', () => {
    const reader = new ButtonReader();
    expect(reader.read(keyEvents(KEY.PHONE, 1, 0))).toEqual(['hook']);
    expect(reader.read(keyEvents(KEY.MICMUTE, 1, 0))).toEqual(['mute']);
    expect(reader.read(keyEvents(KEY.A, 1, 0))).toEqual([]);
    expect(
      reader.read(Buffer.concat([KEY.PICKUP, KEY.HANGUP].map((code) => keyEvents(code, 1)))),
    ).toEqual(['pickup', 'hangup']);
  });

  it('repeats for volume keys that are held down, and for no others', () => {
    const reader = new ButtonReader();
    expect(reader.read(keyEvents(KEY.VOLUMEUP, 1, 2, 2, 0))).toEqual(Array(3).fill('volume-up'));
    expect(reader.read(keyEvents(KEY.MUTE, 1, 2, 2, 0))).toEqual(['mute']);
  });

  it('may come in pieces of any size', () => {
    const bytes = Buffer.concat([keyEvents(KEY.PHONE, 1, 0), keyEvents(KEY.VOLUMEDOWN, 1, 0)]);
    for (let size = 1; size < 60; size++) {
      const reader = new ButtonReader();
      const pressed = [];
      for (let at = 0; at < bytes.length; at += size) {
        pressed.push(...reader.read(bytes.subarray(at, at + size)));
      }
      expect(pressed).toEqual(['hook', 'volume-down']);
    }
  });
});

describe('capabilities/key of sysfs', () => {
  it('tells devices with such buttons from others', () => {
    expect(hasButtons(keyBitmap(KEY.MICMUTE))).toBe(true);
    expect(hasButtons(keyBitmap(KEY.HANGUP))).toBe(true);
    expect(hasButtons(keyBitmap(KEY.A, 116))).toBe(false);
    for (const junk of ['', '\n', 'zz', '0 0 0', 'x'.repeat(9999)]) {
      expect(hasButtons(junk)).toBe(false);
    }
  });
});
