import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** The files of a package while it is put together, below a directory of their own. */
export class Tree {
  readonly root: string;
  readonly configuration: string[] = [];
  /** With libraries: they are stripped, and become dependencies. */
  readonly linked: string[] = [];

  constructor(root: string) {
    this.root = root;
  }

  /** `path` is that on the system where the package is installed. */
  async write(path: string, content: string | Uint8Array, executable = false): Promise<void> {
    const full = await this.#place(path);
    await writeFile(full, content);
    await chmod(full, executable ? 0o755 : 0o644);
  }

  /** An executable that is linked with libraries. */
  async copyExecutable(path: string, from: string): Promise<void> {
    await this.copyLibrary(path, from);
    await chmod(join(this.root, path), 0o755);
  }

  /** Something that executables load, and that is linked with libraries. */
  async copyLibrary(path: string, from: string): Promise<void> {
    await this.#copyPlain(path, from);
    this.linked.push(join(this.root, path));
  }

  /** Everything in a folder for which `wanted` holds. */
  async copyFolder(path: string, from: string, wanted: (name: string) => boolean): Promise<void> {
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const [source, target] = [join(from, entry.name), join(path, entry.name)];
      if (entry.isDirectory()) await this.copyFolder(target, source, wanted);
      else if (wanted(entry.name)) await this.#copyPlain(target, source);
    }
  }

  /** As policy wants manual pages and changelogs. */
  async writeCompressed(path: string, content: string): Promise<void> {
    const compressed = await promisify(gzip)(content, { level: 9 });
    // The operating system that compressed it (RFC 1952, OS) is no property of the package.
    compressed[9] = 3;
    await this.write(`${path}.gz`, compressed);
  }

  async #copyPlain(path: string, from: string): Promise<void> {
    const full = await this.#place(path);
    await copyFile(from, full);
    await chmod(full, 0o644);
  }

  async #place(path: string): Promise<string> {
    const full = join(this.root, path);
    await mkdir(dirname(full), { recursive: true, mode: 0o755 });
    return full;
  }
}
