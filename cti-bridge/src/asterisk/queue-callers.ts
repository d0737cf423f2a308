import type { ConnectionFact, Fact } from '../model/facts.ts';
import type { AmiPacket } from './ami-packet.ts';
import type { ChannelTable } from './channel-table.ts';
import { queueDevice } from './device-table.ts';

/** Who waits in which queue: in CSTA a connection of the queue's device, in the state `queued`. */
export class QueueCallers {
  readonly #channels: ChannelTable;
  /** Unique id of the caller's channel → the queue's name. */
  readonly #waiting = new Map<string, string>();

  constructor(channels: ChannelTable) {
    this.#channels = channels;
  }

  reset(rows: readonly AmiPacket[]): void {
    this.#waiting.clear();
    for (const row of rows) {
      if (row['Event'] === 'QueueEntry') {
        this.#waiting.set(row['Uniqueid'] ?? '', row['Queue'] ?? '');
      }
    }
  }

  facts(): ConnectionFact[] {
    return [...this.#waiting.keys()].flatMap((id) => this.#fact(id));
  }

  apply(event: AmiPacket): Fact[] {
    const id = event['Uniqueid'] ?? '';
    switch (event['Event'] ?? '') {
      case 'QueueCallerJoin':
        this.#waiting.set(id, event['Queue'] ?? '');
        return this.#fact(id);
      case 'QueueCallerLeave':
      case 'Hangup': {
        const [fact] = this.#fact(id);
        if (!this.#waiting.delete(id) || fact === undefined) return [];
        const diverted = event['Event'] === 'QueueCallerLeave';
        return [
          {
            kind: 'cleared',
            key: fact.key,
            diverted,
            cause: diverted ? 'redirected' : 'normalClearing',
          },
        ];
      }
      default:
        return [];
    }
  }

  #fact(id: string): ConnectionFact[] {
    const channel = this.#channels.byId(id);
    const queue = this.#waiting.get(id);
    if (channel === undefined || queue === undefined) return [];
    return [
      {
        kind: 'connection',
        key: `${channel.key}/queue`,
        call: channel.call,
        device: queueDevice(queue),
        role: 'called',
        state: 'queued',
        party: { name: queue },
      },
    ];
  }
}
