import { systemClock } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CtiEvent } from '../model/things.ts';
import {
  stateKeys,
  type Beat,
  type Draft,
  type Lease,
  type SiteEntry,
  type SiteStart,
  type SiteStore,
} from './store.ts';

/** A store of the kind that is tested, with the PBXs `a` to `d` and `EVENTS_KEPT` events. */
export interface SiteRig {
  join(): SiteStore;
  close(): Promise<void>;
}

export const PBXS = ['a', 'b', 'c', 'd'];
export const EVENTS_KEPT = 100;
const WITHIN = { timeout: 5000, interval: 5 };

/** Every MUST of `SiteStore`, for whoever implements it. */
export function siteStoreConformance(name: string, open: () => Promise<SiteRig>): void {
  describe(`a site in ${name}`, () => {
    let rig: SiteRig;
    const joined: Node[] = [];

    beforeEach(async () => {
      rig = await open();
    });

    afterEach(async () => {
      await Promise.all(joined.splice(0).map(({ store }) => store.close()));
      await rig.close();
    });

    async function node(): Promise<Node> {
      const one = new Node(rig.join());
      joined.push(one);
      await vi.waitFor(() => expect(one.starts).toHaveLength(1), WITHIN);
      return one;
    }

    it('gives a PBX to one bridge, and goes on giving it to that one', async () => {
      const [one, other] = [await node(), await node()];
      const first = await one.lease('a');
      expect((await other.beat('a')).leases).toEqual([]);
      const again = await one.beat('a');
      expect(again.leases).toEqual([first]);
      expect((await other.beat('a')).owners).toEqual({ a: one.store.node });
    });

    it('tells each bridge its share, and gives no more', async () => {
      const [one, other] = [await node(), await node()];
      const all = await one.beat(...PBXS);
      expect(all.leases).toHaveLength(4);
      expect(await other.beat(...PBXS)).toMatchObject({ leases: [], share: 2, nodes: 2 });
      for (const lease of all.leases.slice(0, 3)) await one.store.release(lease);
      expect((await other.beat(...PBXS)).leases).toHaveLength(2);
      expect((await one.beat(...PBXS)).leases).toHaveLength(2);
    });

    it('gives what a bridge had to another when its lease has ended', async () => {
      const [one, other] = [await node(), await node()];
      const lease = await one.lease('a');
      await one.store.append(lease, [device('x')]);
      const since = systemClock.now();
      const next = await other.lease('a');
      expect(systemClock.now() - since).toBeLessThan(one.store.leaseMs + 1000);
      expect(next.token).not.toBe(lease.token);
      await expect(one.store.append(lease, [device('y')])).rejects.toMatchObject({
        code: 'fenced',
      });
      await one.store.release(lease);
      expect(await other.store.append(next, [device('z')])).toBe(2);
      expect((await one.store.load('a')).devices.map(({ id }) => id)).toEqual(['x', 'z']);
    });

    it('numbers events without gaps, and tells all bridges the same', async () => {
      const [one, other] = [await node(), await node()];
      const a = await one.lease('a');
      const b = await other.lease('b');
      await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          n % 2 === 0
            ? one.store.append(a, [device(`a${n}`)])
            : other.store.append(b, [device(`b${n}`), device(`c${n}`)]),
        ),
      );
      await vi.waitFor(() => expect(one.entries).toHaveLength(45), WITHIN);
      await vi.waitFor(() => expect(other.entries).toHaveLength(45), WITHIN);
      expect(one.entries.map(({ entry }) => entry.seq)).toEqual(
        Array.from({ length: 45 }, (_, n) => n + 1),
      );
      expect(other.entries).toEqual(one.entries);
    });

    it('keeps the state that the events made, and tells whoever comes later', async () => {
      const one = await node();
      const lease = await one.lease('a');
      const merged = { ...device('y'), change: { [stateKeys.merged('old')]: 'new' } };
      await one.store.append(lease, [device('x'), device('y'), merged]);
      await one.store.append(lease, [device('x', null)]);
      const other = await node();
      const [start] = other.starts;
      expect(start).toMatchObject({ seq: 4, epoch: one.starts[0]?.epoch });
      expect(start?.states['a']).toMatchObject({ devices: [{ id: 'y' }], merged: { old: 'new' } });
      expect(start?.entries.map(({ entry }) => entry.seq)).toEqual([1, 2, 3, 4]);
    });

    it('keeps so many events and not many more', async () => {
      const one = await node();
      const lease = await one.lease('a');
      for (let n = 0; n < 10; n++) {
        await one.beat('a');
        await one.store.append(
          lease,
          Array.from({ length: EVENTS_KEPT }, () => device('x')),
        );
      }
      const [start] = (await node()).starts;
      expect(start?.entries.length).toBe(EVENTS_KEPT);
      expect(start?.entries.at(-1)?.entry.seq).toBe(10 * EVENTS_KEPT);
    });

    it('carries messages, after the events that came before them', async () => {
      const [one, other] = [await node(), await node()];
      const lease = await one.lease('a');
      await one.store.append(lease, [device('x')]);
      await one.store.send(other.store.node, { hello: 1 });
      await one.store.send('nobody', { hello: 2 });
      await vi.waitFor(() => expect(other.messages).toEqual([{ hello: 1 }]), WITHIN);
      expect(other.entriesAtMessage).toEqual([1]);
    });

    it('says how a PBX is, in the words of the bridge that has it', async () => {
      const [one, other] = [await node(), await node()];
      await one.lease('a');
      const down = { up: false, reason: 'unplugged' } as const;
      await one.store.beat({ wanted: ['a'], total: 4, statuses: { a: down } });
      await other.store.beat({ wanted: [], total: 4, statuses: { a: { up: true } } });
      expect((await other.beat()).statuses).toEqual({ a: down });
    });

    it('tells nothing to who has left', async () => {
      const [one, other] = [await node(), await node()];
      await other.store.close();
      await other.store.close();
      await one.store.append(await one.lease('a'), [device('x')]);
      await vi.waitFor(() => expect(one.entries).toHaveLength(1), WITHIN);
      expect(other.entries).toEqual([]);
      await expect(other.beat('a')).rejects.toMatchObject({ layer: 'cti' });
    });
  });
}

/** A bridge, as far as the store knows. */
class Node {
  readonly store: SiteStore;
  readonly starts: SiteStart[] = [];
  readonly entries: SiteEntry[] = [];
  readonly messages: unknown[] = [];
  /** How many events had come when each message did. */
  readonly entriesAtMessage: number[] = [];

  constructor(store: SiteStore) {
    this.store = store;
    store.open({
      start: (start) => this.starts.push(start),
      entries: (entries) => this.entries.push(...entries),
      message: (message) => {
        this.messages.push(message);
        this.entriesAtMessage.push(this.entries.length);
      },
      away: () => undefined,
    });
  }

  beat(...wanted: readonly string[]): Promise<Beat> {
    return this.store.beat({ wanted, total: PBXS.length, statuses: {} });
  }

  /** Asks until it has that PBX. */
  lease(pbx: string): Promise<Lease> {
    return vi.waitFor(async () => {
      const found = (await this.beat(pbx)).leases.find((one) => one.pbx === pbx);
      if (found === undefined) throw new Error(`${pbx} is another bridge's`);
      return found;
    }, WITHIN);
  }
}

function device(id: string, over?: null): Draft {
  const one: NonNullable<CtiEvent['device']> = {
    id,
    kind: 'station',
    inService: true,
    capabilities: [],
  };
  const type = over === null ? 'deviceRemoved' : 'deviceChanged';
  return {
    event: { type, cause: 'normal', at: 0, device: one },
    change: { [stateKeys.device(id)]: over === null ? null : one },
  };
}
