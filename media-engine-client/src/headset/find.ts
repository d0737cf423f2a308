import { access, constants, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasButtons } from './button.ts';

/** An input device with buttons that are meant for calls. */
export interface Headset {
  /** As the kernel has it: `Jabra EVOLVE 20`. */
  readonly name: string;
  /** `/dev/input/eventN`. */
  readonly path: string;
  /** This user may read it. */
  readonly readable: boolean;
}

/** Where the kernel shows its input devices. */
export interface InputRoots {
  readonly dev: string;
  readonly sys: string;
}

export const systemRoots: InputRoots = { dev: '/dev/input', sys: '/sys/class/input' };

/** More are no desk. */
const MAX_HEADSETS = 16;

/**
 * The devices that `[headset] buttons` means. `auto`: what is part of a sound card (a USB headset, the
 * socket of a sound chip) or the remote control of a Bluetooth one (AVRCP). Never every device that has
 * such keys, because keyboards have them too.
 */
export async function findHeadsets(wanted: string, roots = systemRoots): Promise<Headset[]> {
  if (wanted === 'off') return [];
  const found: Headset[] = [];
  for (const entry of (await list(roots.dev)).filter((one) => /^event\d+$/u.test(one))) {
    const device = join(roots.sys, entry, 'device');
    const name = (await read(join(device, 'name'))).trim();
    if (!hasButtons(await read(join(device, 'capabilities/key')))) continue;
    const meant =
      wanted === 'auto'
        ? name.endsWith('(AVRCP)') || (await isPartOfSound(device))
        : name.toLowerCase().includes(wanted.toLowerCase());
    if (!meant) continue;
    const path = join(roots.dev, entry);
    found.push({ name, path, readable: await isReadable(path) });
    if (found.length === MAX_HEADSETS) break;
  }
  return found;
}

/** The device hangs below a sound card, or on a USB device of which another interface is one. */
async function isPartOfSound(device: string): Promise<boolean> {
  let at: string;
  try {
    at = await realpath(device);
  } catch {
    return false;
  }
  if (/\/sound\/card\d+\//u.test(`${at}/`)) return true;
  for (; at !== dirname(at); at = dirname(at)) {
    if ((await read(join(at, 'idVendor'))) === '') continue;
    const interfaces = (await list(at)).filter((one) => one.includes(':'));
    const contents = await Promise.all(interfaces.map((one) => list(join(at, one))));
    return contents.some((names) => names.includes('sound'));
  }
  return false;
}

/** What is not there, or goes while it is looked at, is empty. */
async function list(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch {
    return [];
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
