import type { HeadsetButton } from '@offhook/media-rpc';

/** A button that guests are told of, or one that the engine carries out itself. */
export type Button = HeadsetButton | 'volume-up' | 'volume-down';

/** `EV_KEY`, and what its value says (linux/input.h). */
const EV_KEY = 1;
const PRESSED = 1;
const REPEATED = 2;

/**
 * Keys of linux/input-event-codes.h by what a person means who presses them at a headset. USB headsets
 * send `KEY_MICMUTE` (HID usage Phone Mute), `KEY_MUTE` and the volume keys; handsets and headset keys of
 * laptops `KEY_PHONE`, `KEY_PICKUP_PHONE`, `KEY_HANGUP_PHONE`; sockets and Bluetooth (AVRCP) media keys.
 */
const BUTTONS: ReadonlyMap<number, Button> = new Map([
  [169, 'hook'], // KEY_PHONE
  [226, 'hook'], // KEY_MEDIA: the one button of a headset with a plug
  [164, 'hook'], // KEY_PLAYPAUSE
  [200, 'hook'], // KEY_PLAYCD: AVRCP "play"
  [201, 'hook'], // KEY_PAUSECD: AVRCP "pause"
  [0x1bd, 'pickup'], // KEY_PICKUP_PHONE
  [0x1be, 'hangup'], // KEY_HANGUP_PHONE
  [113, 'mute'], // KEY_MUTE
  [248, 'mute'], // KEY_MICMUTE
  [115, 'volume-up'], // KEY_VOLUMEUP
  [114, 'volume-down'], // KEY_VOLUMEDOWN
]);

/** `unsigned long` of the kernel, bytes: in `struct input_event` and in the bitmaps of sysfs. */
const LONG = ['arm', 'ia32', 'mips', 'mipsel'].includes(process.arch) ? 4 : 8;
/** `struct input_event`: a time of two longs, u16 type, u16 code, s32 value. */
const EVENT_BYTES = 2 * LONG + 8;

/** Reads `struct input_event`s from pieces of any size. Holds less than one event back. */
export class ButtonReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Buttons that were pressed; a volume key that is held down is pressed again and again. */
  read(bytes: Buffer): readonly Button[] {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const pressed: Button[] = [];
    let at = 0;
    for (; at + EVENT_BYTES <= data.length; at += EVENT_BYTES) {
      const type = u16(data, at + 2 * LONG);
      const value = u16(data, at + 2 * LONG + 4);
      const button = BUTTONS.get(u16(data, at + 2 * LONG + 2));
      if (type !== EV_KEY || button === undefined) continue;
      if (value === PRESSED || (value === REPEATED && button.startsWith('volume'))) {
        pressed.push(button);
      }
    }
    this.#rest = data.subarray(at);
    return pressed;
  }
}

/** In the byte order of this machine, as the kernel writes it. Of a small s32: its lower half. */
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function u16(data: Buffer, at: number): number {
  return LITTLE ? data.readUInt16LE(at) : data.readUInt16BE(at);
}

/**
 * Whether a device has any of the buttons.
 *
 * @param keys Its `capabilities/key` in sysfs: hexadecimal longs, the highest first.
 */
export function hasButtons(keys: string): boolean {
  const longs = keys.trim().split(/\s+/u).toReversed();
  const bits = LONG * 8;
  return [...BUTTONS.keys()].some((code) => {
    const long = longs[Math.floor(code / bits)] ?? '0';
    if (!/^[0-9a-f]{1,16}$/iu.test(long)) return false;
    return ((BigInt(`0x${long}`) >> BigInt(code % bits)) & 1n) === 1n;
  });
}
