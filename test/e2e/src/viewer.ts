import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { engineProgram, ManagedProcess, until } from '@offhook/test-sipp';
import { startScreen } from '../../../virtual-channel/test/integration/remote-viewer.ts';
import { writeDesktopFile, type DesktopFileOptions } from './desktop-file.ts';
import { colourOf, type Colour } from './picture.ts';
import type { Stage } from './stage.ts';

const OPEN_MS = 30_000;
const DRAWN_MS = 20_000;

let count = 0;

/** An unmodified remote-viewer that was opened by `offhook-engine view`, on an X server of its own. */
export class Viewer {
  readonly #process: ManagedProcess;
  readonly #picture: string;

  private constructor(process: ManagedProcess, picture: string) {
    this.#process = process;
    this.#picture = picture;
  }

  /** Opens the desktop as a person does, and waits until the viewer shows it. */
  static async open(stage: Stage, desktop?: DesktopFileOptions): Promise<Viewer> {
    const title = `viewer-${++count}`;
    const directory = join(stage.directory, title);
    await mkdir(directory);
    const file = await writeDesktopFile(join(directory, 'desktop.vv'), {
      ...(desktop ?? { port: stage.vm.spice.port }),
      title,
    });
    const screen = stage.use(await startScreen({ pictures: directory }));
    const config = join(stage.directory, 'engine.toml');
    const { stateDir } = stage.engine;
    const viewer = stage.use(
      new ManagedProcess({
        name: title,
        ...engineProgram(['view', file, '--state-dir', stateDir, '--config', config]),
        env: { DISPLAY: screen.display, HOME: directory },
        logFile: join(stage.directory, `${title}.log`),
      }),
    );
    await screen.titled(new RegExp(`${title} \\(1\\)`, 'u'), { ms: OPEN_MS });
    return new Viewer(viewer, join(directory, 'Xvfb_screen0'));
  }

  /** What the desktop draws arrives: all three of its colours are seen from now on. */
  async draws(): Promise<void> {
    const seen = new Set<Colour>();
    await until(
      'the viewer to draw',
      async () => {
        if (this.#process.exit !== undefined) throw new Error(this.#process.describe());
        const colour = await colourOf(this.#picture);
        if (colour !== undefined) seen.add(colour);
        return seen.size === 3;
      },
      { within: DRAWN_MS, every: 20, seen: () => `it showed ${[...seen].join(', ') || 'nothing'}` },
    );
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
