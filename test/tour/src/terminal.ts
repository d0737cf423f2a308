import { join } from 'node:path';
import { run, until } from '@offhook/test-sipp';

export interface TerminalOptions {
  /** Where the socket of its tmux server is. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly columns: number;
  readonly rows: number;
}

const TMUX_DEADLINE_MS = 5000;

/** A program in a terminal of tmux, with nobody's settings: typed into, and looked at. */
export class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async start(options: TerminalOptions): Promise<Terminal> {
    const { directory, command, columns, rows } = options;
    const terminal = new Terminal(join(directory, 'tmux.sock'));
    const size = ['-x', String(columns), '-y', String(rows)];
    await terminal.#tmux(['-f', '/dev/null', 'new-session', '-d', ...size, ...command], {
      COLORTERM: 'truecolor',
      NO_COLOR: '',
    });
    return terminal;
  }

  /** Key by key, as a person types; names of keys as tmux has them are not taken for such. */
  async type(text: string): Promise<void> {
    await this.#tmux(['send-keys', '-l', text]);
  }

  /** A key by its name: `Enter`, `Escape`, `Down`, `C-c`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux(['send-keys', ...keys]);
  }

  /** As the terminal's own paste does it, bracketed where the program has asked for that. */
  async paste(text: string): Promise<void> {
    await this.#tmux(['load-buffer', '-'], {}, text);
    await this.#tmux(['paste-buffer', '-p', '-d']);
  }

  /** The same at a terminal that does not say that it is a paste. */
  async pasteRaw(text: string): Promise<void> {
    await this.#tmux(['load-buffer', '-'], {}, text);
    await this.#tmux(['paste-buffer', '-d']);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** What stands there, without the empty end of each line. */
  screen(): Promise<string> {
    return this.#tmux(['capture-pane', '-p']);
  }

  /** What the window is called. */
  title(): Promise<string> {
    return this.#tmux(['display-message', '-p', '#{pane_title}']);
  }

  /** The same with its colours, as escape sequences. */
  colours(): Promise<string> {
    return this.#tmux(['capture-pane', '-p', '-e']);
  }

  /** Waits until the screen has that; the screen then. */
  async shows(sign: RegExp, within = 8000): Promise<string> {
    let last = '';
    return until(
      `the screen to show ${sign.source}`,
      async () => {
        last = await this.screen();
        return sign.test(last) ? last : undefined;
      },
      { within, every: 50, seen: () => `it shows\n${last}` },
    );
  }

  /** Waits until the screen has it no more. */
  async loses(sign: RegExp, within = 8000): Promise<string> {
    let last = '';
    return until(
      `the screen to lose ${sign.source}`,
      async () => {
        last = await this.screen();
        return sign.test(last) ? undefined : last;
      },
      { within, every: 50, seen: () => `it shows\n${last}` },
    );
  }

  /** Waits until the program has ended, and the terminal with it. */
  async ends(within = 8000): Promise<void> {
    await until(
      'the program on the terminal to end',
      () =>
        this.screen().then(
          () => false,
          () => true,
        ),
      { within, every: 50 },
    );
  }

  async close(): Promise<void> {
    // It is gone already when the program has ended.
    await this.#tmux(['kill-server']).catch(() => undefined);
  }

  #tmux(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    input?: string,
  ): Promise<string> {
    return run('tmux', ['-S', this.#socket, ...args], {
      within: TMUX_DEADLINE_MS,
      env: { LANG: 'C.UTF-8', TMUX: '', ...env },
      ...(input === undefined ? {} : { input }),
    });
  }
}
