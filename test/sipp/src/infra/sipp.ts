import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isBound } from '@offhook/common/listening';
import { ManagedProcess } from './process.ts';
import { freePorts, releasePorts } from './ports.ts';
import type { SipMessage } from './sip-message.ts';
import { readTrace } from './sipp-trace.ts';
import { until, within, type WaitOptions } from './wait.ts';

const SCENARIOS = join(import.meta.dirname, '../../scenarios');

export type SippTransport = 'udp' | 'tcp';

export interface SippOptions {
  /** A file in scenarios/ (or its absolute path), or `uac`, `uas` for the ones that SIPp has built in. */
  readonly scenario: string;
  readonly transport: SippTransport;
  /** Numeric address SIPp is at. */
  readonly address: string;
  /** Whom it calls: `host:port`; absent when it waits to be called. */
  readonly remote?: { readonly address: string; readonly port: number };
  /** Generic parameters for the scenario file: `[name]`. */
  readonly keys?: Readonly<Record<string, string | number>>;
  /** Replaces `@NAME@` in the scenario file, where SIPp takes no `[name]`: in a status line. */
  readonly fill?: Readonly<Record<string, string | number>>;
  /** What stands in its SDP; SIPp's own media ports when absent. */
  readonly media?: { readonly address: string; readonly port: number };
  /** Who it says it is in its Contact; itself when absent. Behind a relay it is the relay. */
  readonly contact?: { readonly address: string; readonly port: number };
  readonly calls?: number;
  /** New calls a second. */
  readonly rate?: number;
  /** The user it calls. */
  readonly user?: string;
  readonly port?: number;
  readonly extra?: readonly string[];
  /** Milliseconds until the whole run is a failure. */
  readonly deadlineMs?: number;
  /** Where its logs go. */
  readonly directory: string;
  readonly name: string;
}

/** One SIPp, from its start to its verdict. */
export class Sipp {
  readonly port: number;
  readonly #options: SippOptions;
  readonly #process: ManagedProcess;
  readonly #ports: { first: number; count: number };
  readonly #files: { messages: string; errors: string; logs: string };

  private constructor(options: SippOptions, first: number) {
    this.#options = options;
    this.#ports = { first, count: 8 };
    this.port = options.port ?? first;
    const file = (kind: string) => join(options.directory, `${options.name}.${kind}.log`);
    this.#files = { messages: file('messages'), errors: file('errors'), logs: file('sipp') };
    const seconds = Math.ceil((options.deadlineMs ?? 60_000) / 1000);
    this.#process = new ManagedProcess({
      name: `sipp ${options.name}`,
      // SIPp's own -timeout has been seen to hang: `timeout` of coreutils is what bounds it.
      command: 'timeout',
      args: ['--kill-after=2', String(seconds), 'sipp', ...this.#args(first)],
      env: { TERM: 'dumb' },
      cwd: options.directory,
      logFile: file('screen'),
    });
  }

  /** Starts it; a waiting one takes calls when this resolves. */
  static async start(options: SippOptions, signal?: AbortSignal): Promise<Sipp> {
    if (options.fill !== undefined) await writeFile(filled(options), await fill(options));
    const sipp = new Sipp(options, await freePorts(8));
    if (options.remote === undefined) {
      // What it prints stays in its buffer when there is no terminal; the kernel tells better.
      await sipp.#process.ready(() => isBound(options.transport, sipp.port), {
        within: 5000,
        signal,
      });
    }
    return sipp;
  }

  /** Its SIP URI, as somebody dials it. */
  uri(user = 'bob'): string {
    const { address, transport, contact } = this.#options;
    const at = contact ?? { address, port: this.port };
    const host = at.address.includes(':') ? `[${at.address}]` : at.address;
    return `sip:${user}@${host}:${at.port}${transport === 'tcp' ? ';transport=tcp' : ''}`;
  }

  /** What its From says after `sip:sipp@`. */
  get identity(): string {
    const { address, contact } = this.#options;
    const at = contact ?? { address, port: this.port };
    return `@${at.address.includes(':') ? `[${at.address}]` : at.address}:${at.port}`;
  }

  /** Every message so far, both directions. */
  messages(): readonly SipMessage[] {
    return readTrace(this.#files.messages);
  }

  received(method: string, status = 0): readonly SipMessage[] {
    return this.messages().filter(
      (message) => !message.sent && message.method === method && message.status === status,
    );
  }

  sent(method: string, status = 0): readonly SipMessage[] {
    return this.messages().filter(
      (message) => message.sent && message.method === method && message.status === status,
    );
  }

  /** Waits until SIPp has received that many of these (retransmissions count). */
  async receives(
    method: string,
    options: Partial<WaitOptions> & { status?: number; count?: number } = {},
  ): Promise<SipMessage> {
    const count = options.count ?? 1;
    return until(
      `SIPp to receive ${options.status ?? ''} ${method}${count > 1 ? ` ${count} times` : ''}`,
      () => {
        const found = this.received(method, options.status).at(count - 1);
        if (found === undefined && this.#process.exit !== undefined && !this.succeeded)
          throw new Error(this.explain());
        return found;
      },
      { within: 5000, every: 50, ...options, seen: () => this.summary() },
    );
  }

  get succeeded(): boolean {
    return this.#process.exit?.code === 0;
  }

  get finished(): boolean {
    return this.#process.exit !== undefined;
  }

  /** Waits for SIPp's verdict, and fails with its reasons unless every call went as scripted. */
  async done(ms = 15_000): Promise<void> {
    const exit = await within(
      `SIPp's scenario ${this.#options.scenario} to end; ${this.summary()}`,
      ms,
      this.#process.exited,
    ).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : ''}\n${this.explain()}`);
    });
    if (exit.code !== 0) throw new Error(this.explain());
  }

  /** One line: what went to and fro. */
  summary(): string {
    const flow = this.messages().map((message) => {
      const what = message.status === 0 ? message.method : `${message.status}`;
      return `${message.sent ? '→' : '←'}${what}`;
    });
    return `SIPp saw ${flow.slice(-24).join(' ') || 'nothing'}`;
  }

  /** Why it failed, for the report. */
  explain(): string {
    const { exit } = this.#process;
    const verdict =
      exit === undefined
        ? 'still runs'
        : exit.code === 124
          ? 'did not come to an end in time'
          : `ended with exit code ${exit.code ?? exit.signal}`;
    const errors = read(this.#files.errors)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(0, 30)
      .join('\n');
    return `SIPp (${this.#options.scenario}) ${verdict}; ${this.summary()}\n${errors}`;
  }

  async stop(): Promise<void> {
    await this.#process.stop(500);
    releasePorts(this.#ports.first, this.#ports.count);
  }

  #file(): string {
    const { scenario, fill } = this.#options;
    return fill === undefined ? resolve(SCENARIOS, scenario) : filled(this.#options);
  }

  #args(first: number): string[] {
    const { scenario, transport, address, remote, keys, media, calls, rate, user } = this.#options;
    const builtin = scenario === 'uac' || scenario === 'uas';
    const contact = this.#options.contact ?? { address, port: this.port };
    const family = address.includes(':') ? 6 : 4;
    const bracket = (host: string) => (host.includes(':') ? `[${host}]` : host);
    const generic: Record<string, string | number> = {
      contact: `${bracket(contact.address)}:${contact.port}`,
      family,
      sdp_ip: media?.address ?? address,
      sdp_port: media?.port ?? first + 4,
      law: 8,
      law_name: 'PCMA',
      ...keys,
    };
    const options: (readonly string[])[] = [
      builtin ? ['-sn', scenario] : ['-sf', this.#file()],
      ['-t', transport === 'tcp' ? 't1' : 'u1', '-i', bracket(address), '-bind_local'],
      ['-p', String(this.port), '-cp', String(first + 2), '-ci', '127.0.0.1'],
      ['-mi', bracket(address), '-mp', String(first + 4)],
      ['-m', String(calls ?? 1), '-nostdin', '-timeout_error'],
      rate === undefined ? [] : ['-r', String(rate)],
      ['-s', user ?? 'alice'],
      ['-trace_msg', '-message_file', this.#files.messages],
      ['-trace_err', '-error_file', this.#files.errors],
      ['-trace_logs', '-log_file', this.#files.logs],
      ['-timer_resol', '5', '-recv_timeout', '32000', '-max_retrans', '11'],
      ...Object.entries(generic).map(([name, value]) => ['-key', name, String(value)]),
      this.#options.extra ?? [],
      remote === undefined ? [] : [`${bracket(remote.address)}:${remote.port}`],
    ];
    return options.flat();
  }
}

function filled(options: SippOptions): string {
  return join(options.directory, `${options.name}.xml`);
}

async function fill(options: SippOptions): Promise<string> {
  const text = await readFile(resolve(SCENARIOS, options.scenario), 'latin1');
  return text.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = options.fill?.[name];
    if (value === undefined) throw new Error(`${options.scenario}: nothing is known for @${name}@`);
    return String(value);
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
