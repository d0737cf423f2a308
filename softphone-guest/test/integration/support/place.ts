import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exited, stopProcess, type ProcessExit } from '@offhook/common';
import { shipped } from '../../../../common/test/shipped.ts';
import { connectDaemon, type DaemonClient } from '../../../src/control/client.ts';
import { guestPaths, type Paths } from '../../../src/paths.ts';

const GUEST = shipped('offhook');
const ENGINE = shipped('offhook-engine');
const READY_MS = 15_000;

export interface Engine {
  readonly channel: string;
  /** What the thin client played. */
  readonly heard: string;
  readonly child: ChildProcess;
  readonly config: string;
  readonly stateDir: string;
}

export interface Phone {
  readonly client: DaemonClient;
  readonly paths: Paths;
  readonly child: ChildProcess;
  /** `127.0.0.1:PORT` where it takes SIP over UDP. */
  readonly address: string;
  /** The same over TCP and TLS; empty where it does not listen. */
  readonly tcp: string;
  readonly tls: string;
}

/** A directory and the processes in it; `close` ends and removes all of them. */
export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'offhook-guest-'));
  readonly #children: ChildProcess[] = [];
  readonly #clients: DaemonClient[] = [];
  #rtpPort = 20_000 + 2 * Math.floor(Math.random() * 15_000);

  /** `at`: in the place of that engine, where its guests look for it. */
  async engine(name: string, input: string, at?: Pick<Engine, 'channel'>): Promise<Engine> {
    const channel = at?.channel ?? `unix:${this.dir}/${name}-engine.sock`;
    const config = join(this.dir, `${name}-engine.toml`);
    const heard = join(this.dir, `${name}.wav`);
    const from = this.#rtpPort;
    this.#rtpPort += 40;
    writeFileSync(
      config,
      `[engine]
listen = "${channel}"
[rtp]
address = "127.0.0.1"
ports = "${from}-${from + 39}"
[audio]
input = "${input}"
output = "file:${heard}"
ringer = "null"
`,
    );
    const stateDir = join(this.dir, `${name}-engine`);
    return this.startEngine({ channel, heard, config, stateDir });
  }

  async startEngine(engine: Omit<Engine, 'child'>): Promise<Engine> {
    const { config, stateDir } = engine;
    const child = await this.#start(ENGINE, 'run', '--config', config, '--state-dir', stateDir);
    return { ...engine, child };
  }

  /** `account` and `rest` go into the configuration. */
  async phone(
    name: string,
    engine: Pick<Engine, 'channel'>,
    account = '',
    rest = '',
    sip = 'listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]',
  ): Promise<Phone> {
    const config = join(this.dir, `${name}.toml`);
    writeFileSync(
      config,
      `[sip]
${sip}
[[account]]
aor = "sip:${name}@127.0.0.1"
register = false
${account}
[engine]
channel = "${engine.channel}"
${rest}`,
    );
    return await this.startPhone(guestPaths({ config, stateDir: join(this.dir, name) }));
  }

  /** Once more in the same place, for a daemon that is gone. */
  async startPhone(paths: Paths): Promise<Phone> {
    const { config } = paths;
    const child = await this.#start(
      GUEST,
      'daemon',
      '--config',
      config,
      '--state-dir',
      paths.stateDir,
    );
    const client = await connectDaemon(paths);
    this.#clients.push(client);
    const { listening } = await client.call('status', {});
    const at = (kind: string) =>
      listening.find((one) => one.startsWith(`${kind}:`))?.slice(kind.length + 1) ?? '';
    return { client, paths, child, address: at('udp'), tcp: at('tcp'), tls: at('tls') };
  }

  /** `offhook` as a process of its own. */
  async offhook(
    phone: Phone,
    line: string,
  ): Promise<{ out: string; err: string; code: number | null }> {
    const { stateDir, config } = phone.paths;
    const child = spawn(
      process.execPath,
      [GUEST, ...line.split(' '), '--state-dir', stateDir, '--config', config],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    await once(child, 'close', { signal: AbortSignal.timeout(30_000) });
    return { out, err, code: child.exitCode };
  }

  /** SIPp with one of its built-in scenarios; ends when the call has. */
  sipp(line: string): { child: ChildProcess; done: Promise<ProcessExit> } {
    const child = spawn('sipp', [...line.split(' '), '-i', '127.0.0.1', '-m', '1', '-nostdin'], {
      cwd: this.dir,
      stdio: 'ignore',
    });
    this.#children.push(child);
    return { child, done: exited(child) };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await Promise.all(
      this.#children.toReversed().map((child) => stopProcess(child, { graceMs: 8000 })),
    );
    // A worker outlives its killed engine for the lease.
    for (const pid of processesNaming(this.dir)) process.kill(pid, 'SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #start(...words: readonly string[]): Promise<ChildProcess> {
    const log = join(this.dir, `process-${this.#children.length}.log`);
    const stderr = openSync(log, 'w');
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', stderr] });
    closeSync(stderr);
    this.#children.push(child);
    const { stdout } = child;
    if (stdout === null) throw new Error('no output');
    const ready = once(stdout, 'data', { signal: AbortSignal.timeout(READY_MS) });
    const ended = exited(child).then(() => {
      throw new Error(`${words.join(' ')} ended: ${readFileSync(log, 'utf8')}`);
    });
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    return child;
  }
}

/** Processes that have the directory in their command line. */
function processesNaming(dir: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir);
      } catch {
        return false;
      }
    })
    .map(Number);
}
