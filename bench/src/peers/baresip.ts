import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort, ManagedProcess, releasePorts } from '@offhook/test-sipp';

import type { BenchCodec } from './reflector.ts';

const MODULES = ['g711', 'g722', 'opus', 'ausine', 'aubridge'];

/** A baresip that answers by itself, with a sine for a microphone and no loudspeaker. */
export class Baresip {
  readonly port: number;
  readonly pid: number;
  readonly #process: ManagedProcess;
  readonly #folder: string;

  private constructor(process: ManagedProcess, port: number, folder: string) {
    this.port = port;
    this.pid = process.pid;
    this.#process = process;
    this.#folder = folder;
  }

  static async start(codec: BenchCodec): Promise<Baresip> {
    const folder = await mkdtemp(join(tmpdir(), 'offhook-bench-baresip-'));
    const port = await freePort();
    const account = `<sip:bench@127.0.0.1:${port}>;regint=0;answermode=auto;audio_codecs=${codec}\n`;
    await writeFile(join(folder, 'config'), config(port));
    await writeFile(join(folder, 'accounts'), account);
    await writeFile(join(folder, 'contacts'), '');
    const process = new ManagedProcess({
      name: 'baresip',
      command: 'baresip',
      args: ['-f', folder],
    });
    await process.ready(/baresip is ready/, { within: 10_000 });
    return new Baresip(process, port, folder);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    releasePorts(this.port, 1);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function config(port: number): string {
  return `poll_method epoll
sip_listen 127.0.0.1:${port}
audio_source ausine,440
audio_player aubridge,null
audio_alert aubridge,null
ausrc_srate 48000
ausrc_channels 2
audio_buffer 20-160
opus_stereo no
opus_sprop_stereo no
rtp_ports 46000-49000
module_path /usr/lib/baresip/modules
${MODULES.map((name) => `module ${name}.so`).join('\n')}
module_tmp account.so
module_app menu.so
`;
}
