/** A file, directory or link of an initial ramdisk. */
export interface Entry {
  /** Without a leading slash. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

const DIRECTORY = 0o040000;
const REGULAR = 0o100000;

export function directory(path: string): Entry {
  return { path, mode: DIRECTORY | 0o755, content: new Uint8Array() };
}

export function file(path: string, content: Uint8Array | string, executable = false): Entry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { path, mode: REGULAR | (executable ? 0o755 : 0o644), content: bytes };
}

/**
 * An archive in cpio's "new ASCII" format, which the kernel unpacks as its first file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Archives may follow each other.
 */
export function cpio(entries: readonly Entry[]): Buffer {
  const trailer = { path: 'TRAILER!!!', mode: 0, content: new Uint8Array() };
  return Buffer.concat([...entries, trailer].flatMap((entry, index) => member(entry, index + 1)));
}

function member({ path, mode, content }: Entry, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}`;
  const head = Buffer.concat([Buffer.from(header, 'latin1'), name]);
  return [head, padding(head.length), Buffer.from(content), padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
