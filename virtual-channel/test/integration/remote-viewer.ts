import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { exited, stopProcess, withDeadline } from '@offhook/common';

const run = promisify(execFile);

/** An X server without a screen, for viewers of one test. */
export interface Screen {
  /** For `DISPLAY`. */
  readonly display: string;
  /** Resolves with the titles of the windows once one matches. */
  titled(title: RegExp, options?: { ms?: number }): Promise<readonly string[]>;
  /** Writes what is on it into that file, as PNG. */
  picture(file: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param pictures a directory where the X server keeps what it shows, as `Xvfb_screen0` (XWD) */
export async function startScreen({ pictures }: { pictures?: string } = {}): Promise<Screen> {
  const child = spawn(
    'Xvfb',
    '-displayfd 3 -screen 0 1280x800x24 -nolisten tcp -noreset'
      .split(' ')
      .concat(pictures === undefined ? [] : ['-fbdir', pictures]),
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  );
  const pipe = child.stdio[3];
  if (pipe === null || pipe === undefined) throw new Error('Xvfb tells no display');
  const [number] = (await withDeadline({ layer: 'system', what: 'Xvfb', ms: 30_000 }, () =>
    once(pipe, 'data'),
  )) as [Buffer];
  const display = `:${number.toString().trim()}`;
  const titles = async () => {
    const env = { ...process.env, DISPLAY: display };
    const found = await run('xdotool', ['search', '--name', '.'], { env }).catch(() => ({
      stdout: '',
    }));
    const ids = found.stdout.split('\n').filter((line) => line !== '');
    return Promise.all(
      ids.map((id) =>
        run('xdotool', ['getwindowname', id], { env }).then(
          ({ stdout }) => stdout.trim(),
          () => '',
        ),
      ),
    );
  };
  return {
    display,
    titled: (title, { ms = 40_000 } = {}) => {
      let last: readonly string[] = [];
      return withDeadline(
        { layer: 'system', what: `a window ${title.source}`, ms },
        async (signal) => {
          for (;;) {
            last = await titles();
            if (last.some((one) => title.test(one))) return last;
            await delay(100, undefined, { signal });
          }
        },
      ).catch((error: unknown) => {
        throw new Error(`there are ${JSON.stringify(last)}`, { cause: error });
      });
    },
    picture: async (file) => {
      const source = ['ximagesrc', `display-name=${display}`, 'use-damage=false', 'num-buffers=1'];
      const sink = ['!', 'videoconvert', '!', 'pngenc', '!', 'filesink', `location=${file}`];
      await run('gst-launch-1.0', ['-q', ...source, ...sink], { timeout: 30_000 });
    },
    stop: async () => void (await stopProcess(child)),
  };
}

/** The real remote-viewer, with a home of its own. */
export interface RemoteViewer {
  readonly child: ChildProcess;
  readonly log: () => string;
  stop(): Promise<void>;
}

export async function startRemoteViewer(screen: Screen, file: string): Promise<RemoteViewer> {
  const home = await mkdtemp(join(tmpdir(), 'offhook-viewer-'));
  const path = join(home, 'desktop.vv');
  await writeFile(path, file, { mode: 0o600 });
  const child = spawn('remote-viewer', ['--debug', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: home, DISPLAY: screen.display },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)));
  }
  const gone = exited(child);
  return {
    child,
    log: () => log,
    stop: async () => {
      await stopProcess(child);
      await gone;
      await rm(home, { recursive: true, force: true });
    },
  };
}
