import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InputRoots } from '../../src/headset/find.ts';

/** Of linux/input-event-codes.h. */
export const KEY = {
  A: 30,
  MUTE: 113,
  VOLUMEDOWN: 114,
  VOLUMEUP: 115,
  PHONE: 169,
  MICMUTE: 248,
  PICKUP: 0x1bd,
  HANGUP: 0x1be,
} as const;

const EV_SYN = 0;
const EV_KEY = 1;
const EV_MSC = 4;

/** `struct input_event` of a 64-bit machine that stores the low byte first. */
function inputEvent(type: number, code: number, value: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeBigInt64LE(1_790_000_000n, 0);
  bytes.writeBigInt64LE(123_456n, 8);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}

/** What a headset sends for a key: the HID usage, the key, and the end of the report. */
export function keyEvents(code: number, ...values: readonly number[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => [
      inputEvent(EV_MSC, 4, 0x000b_002f),
      inputEvent(EV_KEY, code, value),
      inputEvent(EV_SYN, 0, 0),
    ]),
  );
}

/** `capabilities/key` of sysfs. */
export function keyBitmap(...codes: readonly number[]): string {
  const longs = Array.from({ length: 12 }, () => 0n);
  for (const code of codes) {
    const at = Math.floor(code / 64);
    longs[at] = (longs[at] ?? 0n) | (1n << BigInt(code % 64));
  }
  const text = longs.toReversed().map((long) => long.toString(16));
  return `${text.join(' ').replace(/^(0 )+/u, '')}\n`;
}

/** Directories that look like /dev/input and /sys/class/input. */
export class InputTree implements AsyncDisposable {
  readonly roots: InputRoots;
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.roots = { dev: join(root, 'dev'), sys: join(root, 'sys/class/input') };
  }

  static async make(): Promise<InputTree> {
    const tree = new InputTree(await mkdtemp(join(tmpdir(), 'offhook-input-')));
    await mkdir(tree.roots.dev, { recursive: true });
    await mkdir(tree.roots.sys, { recursive: true });
    return tree;
  }

  /**
   * An input device of sysfs, and a file in place of its node.
   *
   * @param below Where it hangs in /sys/devices; absent: beside the audio interface of a USB headset.
   */
  async add(
    entry: string,
    device: { name: string; keys: readonly number[]; below?: string },
  ): Promise<string> {
    const usb = join(this.#root, 'sys/devices/usb1', entry);
    const { below } = device;
    const parent =
      below === undefined ? join(usb, '1-1:1.3') : join(this.#root, 'sys/devices', below);
    if (below === undefined) {
      await mkdir(join(usb, '1-1:1.0/sound/card1'), { recursive: true });
      await writeFile(join(usb, 'idVendor'), '0b0e\n');
    }
    const input = join(parent, 'input', `input-${entry}`);
    await mkdir(join(input, 'capabilities'), { recursive: true });
    await writeFile(join(input, 'name'), `${device.name}\n`);
    await writeFile(join(input, 'capabilities/key'), keyBitmap(...device.keys));
    await mkdir(join(this.roots.sys, entry), { recursive: true });
    await symlink(input, join(this.roots.sys, entry, 'device'));
    const node = join(this.roots.dev, entry);
    await writeFile(node, '');
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}
