import { z } from 'zod';
import { mediaError } from '@offhook/media-rpc';
import type { RtpSockets } from '../media-plane.ts';
import type { PortRow } from './protocol.ts';
import { ignoreGone, rethrow } from './worker-errors.ts';
import type { WorkerLink } from './worker-link.ts';

/** What the worker keeps with a pair of sockets for the next engine. */
const portTag = z.object({ dscp: z.number(), tag: z.string() });

interface Port extends RtpSockets {
  readonly dscp: number;
  tag: string;
}

/** The pairs of sockets that the worker holds. */
export class RtpPorts {
  readonly #link: WorkerLink;
  readonly #ports = new Map<string, Port>();
  #next = 1;

  constructor(link: WorkerLink) {
    this.#link = link;
  }

  has(id: string): boolean {
    return this.#ports.has(id);
  }

  list(): readonly (RtpSockets & { readonly tag: string })[] {
    return [...this.#ports.values()].map(({ id, rtp, rtcp, tag }) => ({ id, rtp, rtcp, tag }));
  }

  async open(options: {
    address: string;
    ports: { from: number; to: number };
    dscp: number;
    tag: string;
  }): Promise<RtpSockets> {
    const id = `rtp-${this.#next++}`;
    const { address, ports, dscp, tag } = options;
    const { rtp, rtcp } = await this.#link
      .request('port.open', { id, address, ...ports, dscp, tag: writeTag({ dscp, tag }) })
      .catch(rethrow);
    this.#ports.set(id, { id, rtp, rtcp, dscp, tag });
    return { id, rtp, rtcp };
  }

  async close(id: string): Promise<void> {
    this.#ports.delete(id);
    await this.#link.request('port.close', { id }).catch(ignoreGone);
  }

  async setTag(id: string, tag: string): Promise<void> {
    const port = this.#ports.get(id);
    if (port === undefined) throw mediaError('invalid-params', `There are no sockets ${id}`);
    port.tag = tag;
    await this.#link.request('tag', { port: id, tag: writeTag(port) }).catch(rethrow);
  }

  /** Takes over what a running worker has. */
  adopt(rows: readonly PortRow[]): void {
    for (const { id, rtp, rtcp, tag } of rows) {
      this.#ports.set(id, { id, rtp, rtcp, ...readTag(tag) });
      const number = Number(id.replace(/^rtp-/, ''));
      if (number >= this.#next) this.#next = number + 1;
    }
  }

  /** The same sockets on a new worker. */
  async rebuild(): Promise<void> {
    await Promise.all(
      [...this.#ports.values()].map((port) =>
        this.#link.request('port.open', {
          id: port.id,
          address: port.rtp.address,
          from: port.rtp.port,
          to: port.rtcp.port,
          dscp: port.dscp,
          tag: writeTag(port),
        }),
      ),
    );
  }
}

function writeTag({ dscp, tag }: z.output<typeof portTag>): string {
  return JSON.stringify({ dscp, tag });
}

/** Of anything else, sockets without a mark and without a tag. */
function readTag(text: string): z.output<typeof portTag> {
  try {
    return portTag.parse(JSON.parse(text));
  } catch {
    return { dscp: 0, tag: '' };
  }
}
