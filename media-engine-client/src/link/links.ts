import { LineReader, type Logger } from '@offhook/common';
import {
  listenIntroduced,
  type Channel,
  type ChannelListener,
  type Introduction,
} from '@offhook/virtual-channel';
import { introduction, linkReport, MAX_REPORT_BYTES, type LinkReport } from './api.ts';

export interface LinksOptions {
  readonly path: string;
  readonly logger: Logger;
  /** A guest has opened its end of a desktop's port. */
  readonly onPort: (channel: Channel) => void;
  /** `all` is another one. */
  readonly onChange: () => void;
}

/** The links of desktops as the engine knows them: what they report, and the ports they bring. */
export class Links {
  readonly #options: LinksOptions;
  readonly #reports = new Map<Channel, LinkReport>();
  #listener: ChannelListener | undefined;

  private constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** @throws OffhookError of layer `channel`. */
  static async open(options: LinksOptions): Promise<Links> {
    const links = new Links(options);
    const { path, logger } = options;
    links.#listener = await listenIntroduced({ path, logger }, (one) => links.#introduced(one));
    return links;
  }

  /** Of the links that run now, by desktop. */
  get all(): readonly LinkReport[] {
    return [...this.#reports.values()].toSorted((left, right) =>
      left.address.localeCompare(right.address),
    );
  }

  /** No link comes in any more; they find the next engine by themselves. */
  async close(): Promise<void> {
    await this.#listener?.close();
    for (const channel of this.#reports.keys()) channel.destroy();
  }

  #introduced(one: Introduction): void {
    const parsed = introduction.safeParse(one.words);
    if (!parsed.success) {
      this.#options.logger.warn({}, 'a link of another version was turned away');
      one.refuse();
    } else if (parsed.data.kind === 'port') {
      const { port, address } = parsed.data;
      const description = `port ${port} of ${address}`;
      this.#options.onPort(one.open({ transport: 'spice', description }));
    } else {
      this.#follow(one.open({ transport: 'unix', description: 'link' }));
    }
  }

  #follow(channel: Channel): void {
    const lines = new LineReader(MAX_REPORT_BYTES);
    channel.on('data', (chunk) => {
      const fits = lines.push(Buffer.from(chunk), (line) => {
        const report = readReport(line);
        if (report === undefined) channel.destroy();
        else this.#reports.set(channel, report);
      });
      if (!fits) channel.destroy();
      this.#options.onChange();
    });
    channel.on('close', () => {
      if (this.#reports.delete(channel)) this.#options.onChange();
    });
  }
}

function readReport(line: string): LinkReport | undefined {
  try {
    return linkReport.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
