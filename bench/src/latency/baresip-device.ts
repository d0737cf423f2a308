import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort, ManagedProcess, releasePorts, type Pulse } from '@offhook/test-sipp';

/**
 * A baresip with a sound card: ALSA's plug-in for PulseAudio, because Debian's has no module of its own for
 * that. Jitter buffer and audio buffer are as small as it works with.
 */
export class BaresipDevice {
  readonly port: number;
  readonly #process: ManagedProcess;

  private constructor(process: ManagedProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(options: {
    readonly pulse: Pulse;
    readonly directory: string;
    readonly name: string;
    readonly microphone: string;
    readonly speaker: string;
    /** Port of the baresip to call; it answers calls without it. */
    readonly dial?: number;
  }): Promise<BaresipDevice> {
    const folder = join(options.directory, `baresip-${options.name}`);
    await mkdir(folder);
    const port = await freePort();
    const account = `<sip:${options.name}@127.0.0.1:${port}>;regint=0;answermode=auto;audio_codecs=PCMA\n`;
    await writeFile(join(folder, 'config'), CONFIG(port));
    await writeFile(join(folder, 'accounts'), account);
    await writeFile(join(folder, 'contacts'), '');
    await writeFile(join(folder, 'asoundrc'), ALSA(options.microphone, options.speaker));
    const dial =
      options.dial === undefined ? [] : ['-e', `/dial sip:far@127.0.0.1:${options.dial}`];
    const process = new ManagedProcess({
      name: 'baresip',
      ...options.pulse.wrap({
        command: 'env',
        args: [
          `ALSA_CONFIG_PATH=${join(folder, 'asoundrc')}`,
          'baresip',
          '-4',
          '-f',
          folder,
          ...dial,
        ],
      }),
      logFile: join(folder, 'log'),
    });
    const sign = options.dial === undefined ? /baresip is ready/ : /Call established/;
    await process.ready(sign, { within: 15_000 });
    return new BaresipDevice(process, port);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    releasePorts(this.port, 1);
  }
}

const CONFIG = (port: number) => `poll_method epoll
sip_listen 127.0.0.1:${port}
audio_source alsa,microphone
audio_player alsa,speaker
audio_alert alsa,speaker
audio_buffer 20-40
jitter_buffer_delay 1-2
rtp_ports 46000-49000
module_path /usr/lib/baresip/modules
module alsa.so
module g711.so
module_tmp account.so
module_app menu.so
`;

const ALSA = (microphone: string, speaker: string) => `</usr/share/alsa/alsa.conf>
pcm.microphone { type pulse device "${microphone}.monitor" }
pcm.speaker { type pulse device "${speaker}" }
`;
