import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, ManagedProcess, releasePorts, until } from '@offhook/test-sipp';
import { shipped } from '../../../common/test/shipped.ts';

const MAIN = shipped('offhook-cti');
export const TOKEN = 'a-token-of-the-site';

export interface SiteNodeOptions {
  readonly directory: string;
  readonly redis: string;
  readonly leaseMs: number;
  /** Ports of the managers, by the name of the PBX. */
  readonly pbxs: Readonly<Record<string, number>>;
  /** Instead of the sources. */
  readonly program?: string;
}

/** One of the bridge processes of a site. */
export class SiteNode {
  readonly url: string;
  readonly process: ManagedProcess;
  readonly #port: number;

  private constructor(port: number, process: ManagedProcess) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.process = process;
  }

  static async start(options: SiteNodeOptions): Promise<SiteNode> {
    const { directory, pbxs, redis, leaseMs, program = MAIN } = options;
    const port = await freePort();
    const secret = join(directory, 'secret');
    const config = join(directory, `bridge-${port}.toml`);
    await writeFile(secret, 'x', { mode: 0o600 });
    const sections = Object.entries(pbxs).map(
      ([name, at]) => `[[pbx]]
kind = "asterisk"
name = "${name}"
port = ${at}
username = "offhook"
secret_file = "${secret}"
`,
    );
    await writeFile(
      config,
      `[listen]
port = ${port}
${sections.join('')}
[site]
redis = "${redis}"
name = "tests"
lease_ms = ${leaseMs}
[[token]]
name = "tests"
sha256 = "${createHash('sha256').update(TOKEN).digest('hex')}"
devices = ["*"]
scopes = ["monitor", "control", "metrics"]
[limits]
requests_per_second = 1000
`,
    );
    const child = new ManagedProcess({
      name: `bridge ${port}`,
      command: process.execPath,
      args: [program, 'run', '--config', config],
      logFile: join(directory, `bridge-${port}.log`),
    });
    const node = new SiteNode(port, child);
    await child.ready(/^ready$/m, { within: 40_000 });
    return node;
  }

  /** Resolves when every PBX is there, whichever bridge has it. */
  async ready(within = 15_000): Promise<void> {
    await until(`${this.url} to be ready`, async () => (await this.#get('/readyz')).ok, {
      within,
      every: 20,
      seen: () => this.process.output.slice(-2000),
    });
  }

  /** What it says is missing. */
  async down(): Promise<readonly string[]> {
    return ((await (await this.#get('/readyz')).json()) as { down: string[] }).down;
  }

  /** The PBXs that it speaks with itself. */
  async own(): Promise<readonly string[]> {
    const text = await (await this.#get('/metrics')).text();
    return [...text.matchAll(/offhook_cti_pbx_own\{pbx="([^"]+)"\} 1/g)].map(([, pbx = '']) => pbx);
  }

  async stop(): Promise<void> {
    this.process.signal('SIGCONT');
    await this.process.stop();
    releasePorts(this.#port, 1);
  }

  #get(path: string): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
      signal: AbortSignal.timeout(2000),
    });
  }
}
