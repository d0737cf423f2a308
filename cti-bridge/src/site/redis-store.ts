import { randomUUID } from 'node:crypto';
import { describeError, isOffhookError, type Logger } from '@offhook/common';
import { z } from 'zod';
import type { AdapterStatus } from '../adapter/adapter.ts';
import { call, connection, ctiEvent, device } from '../model/things.ts';
import { fenced, siteGone } from './errors.ts';
import { RedisLink, type RedisLinkOptions } from './redis-link.ts';
import { APPEND, BEAT, ENTER, LOAD, RELEASE } from './redis-scripts.ts';
import {
  stateOf,
  type Beat,
  type Draft,
  type Lease,
  type PbxState,
  type SiteEntry,
  type SiteListener,
  type SiteStore,
} from './store.ts';

export interface RedisStoreOptions extends RedisLinkOptions {
  /** Bridges of one name belong together. */
  readonly name: string;
  readonly pbxs: readonly string[];
  readonly leaseMs: number;
  readonly eventsKept: number;
  readonly logger: Logger;
}

/** How long a read waits for news, and what it brings at most. */
const BLOCK_MS = 1000;
const READ_AT_A_TIME = 1000;
const RETRY_MS = 100;
/** What waits for a bridge that does not read, and for how long. */
const INBOX_KEPT = 1000;
const INBOX_LIVES_MS = 60_000;

const words = z.array(z.string());
const status = z.union([
  z.object({ up: z.literal(true) }),
  z.object({ up: z.literal(false), reason: z.string() }),
]);
const beaten = z.tuple([z.number(), z.number(), words, words]);
const loaded = z.tuple([z.string(), z.number(), z.array(words)]);
const stream = z.array(z.tuple([z.string(), words]));
const news = z.array(z.tuple([z.string(), stream])).nullable();
const logged = z.object({ event: ctiEvent, call: call.optional() });

/**
 * A site in Redis (6.2 or later). One connection asks and one follows. Keys are
 * `offhook:{name}:…`, all in one slot.
 */
export class RedisStore implements SiteStore {
  readonly node = randomUUID();
  readonly leaseMs: number;
  readonly #options: RedisStoreOptions;
  readonly #asking: RedisLink;
  readonly #following: RedisLink;
  /** The epoch, once the Redis behind the present connection was looked at. */
  #entered: Promise<string> | undefined;
  #listener: SiteListener | undefined;
  #at = { epoch: '', seq: 0 };
  #inbox = '0';
  #away: string | undefined;
  #closed = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.leaseMs = options.leaseMs;
    this.#asking = new RedisLink(options, options.leaseMs, () => {
      this.#entered = undefined;
    });
    this.#following = new RedisLink(options, BLOCK_MS + options.leaseMs, () => undefined);
  }

  open(listener: SiteListener): void {
    this.#listener = listener;
    void this.#follow();
  }

  async beat({ wanted, total, statuses }: Parameters<SiteStore['beat']>[0]): Promise<Beat> {
    const told = Object.entries(statuses).flatMap(([pbx, one]) => [pbx, JSON.stringify(one)]);
    const answer = await this.#run(
      BEAT,
      ['epoch', 'leases', 'nodes', 'tokens', 'statuses'],
      [this.node, this.leaseMs, total, told.length / 2, ...told, ...wanted],
    );
    const [share, nodes, held, said] = beaten.parse(answer);
    const leases: Lease[] = [];
    const owners: Record<string, string> = {};
    for (let at = 0; at + 2 < held.length; at += 3) {
      const [pbx = '', node = '', token = ''] = held.slice(at, at + 3);
      owners[pbx] = node;
      if (node === this.node) leases.push({ pbx, token });
    }
    const all = pairs(said).map(([pbx, text]): [string, AdapterStatus] => [
      pbx,
      status.parse(JSON.parse(text)),
    ]);
    return { leases, owners, statuses: Object.fromEntries(all), share, nodes };
  }

  async release({ pbx, token }: Lease): Promise<void> {
    await this.#run(RELEASE, ['leases'], [pbx, token]);
  }

  async append({ pbx, token }: Lease, drafts: readonly Draft[]): Promise<number> {
    const events = drafts.map(({ event, call: now }) => JSON.stringify({ event, call: now }));
    const changes = drafts.flatMap(({ change }) =>
      Object.entries(change).flatMap(([key, value]) => [
        key,
        value === null ? '' : JSON.stringify(value),
      ]),
    );
    const seq = await this.#run(
      APPEND,
      ['leases', 'seq', 'log', `state:${pbx}`],
      [pbx, token, this.#options.eventsKept, events.length, ...events, ...changes],
    );
    if (typeof seq !== 'number' || seq < 0) throw fenced(pbx);
    return seq;
  }

  async load(pbx: string): Promise<PbxState> {
    const [, , [values = []]] = loaded.parse(
      await this.#run(LOAD, ['epoch', 'seq', `state:${pbx}`], []),
    );
    return parseState(values);
  }

  async send(node: string, message: object): Promise<void> {
    const key = this.#key(`inbox:${node}`);
    await this.#enter();
    const kept = ['MAXLEN', '~', INBOX_KEPT, '*'] as const;
    await this.#asking.call('XADD', key, ...kept, 'm', JSON.stringify(message));
    await this.#asking.call('PEXPIRE', key, INBOX_LIVES_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#asking.close();
    this.#following.close();
  }

  #key(name: string): string {
    return `offhook:{${this.#options.name}}:${name}`;
  }

  async #run(script: string, keys: readonly string[], args: readonly (string | number)[]) {
    await this.#enter();
    return this.#asking.run(
      script,
      keys.map((one) => this.#key(one)),
      args,
    );
  }

  /**
   * Nothing is asked of a Redis that was not looked at: what it says may be older than what is known
   * here. There is no way for another connection to come in between this and the next command.
   */
  async #enter(): Promise<string> {
    if (this.#closed) throw siteGone('it was left');
    for (;;) {
      const entering = (this.#entered ??= this.#look());
      try {
        const epoch = await entering;
        if (entering === this.#entered) return epoch;
      } catch (error) {
        if (entering === this.#entered) this.#entered = undefined;
        throw error;
      }
    }
  }

  async #look(): Promise<string> {
    const info = String(await this.#asking.call('INFO', 'server'));
    const run = /^run_id:(\w+)/m.exec(info)?.[1] ?? '';
    const keys = ['run', 'epoch', 'seq', 'log', 'leases', 'nodes'].map((one) => this.#key(one));
    return String(await this.#asking.run(ENTER, keys, [run, randomUUID()]));
  }

  async #follow(): Promise<void> {
    while (!this.#closed) {
      try {
        if ((await this.#enter()) !== this.#at.epoch) await this.#begin();
        this.#tellAway(undefined);
        await this.#read();
      } catch (error) {
        if (this.#closed) return;
        this.#tellAway(isOffhookError(error, 'site-gone') ? error.message : describeError(error));
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #begin(): Promise<void> {
    const { pbxs, eventsKept } = this.#options;
    const keys = ['epoch', 'seq', ...pbxs.map((pbx) => `state:${pbx}`)];
    const [epoch, seq, all] = loaded.parse(await this.#run(LOAD, keys, []));
    const last = ['XREVRANGE', this.#key('log'), `${seq}-0`, '-', 'COUNT', eventsKept] as const;
    const kept = stream.parse(await this.#following.call(...last)).toReversed();
    const states = pbxs.map((pbx, at) => [pbx, parseState(all[at] ?? [])] as const);
    if (this.#closed) return;
    this.#at = { epoch, seq };
    const entries = kept.map(parseEntry);
    this.#listener?.start({ epoch, seq, states: Object.fromEntries(states), entries });
  }

  async #read(): Promise<void> {
    const [log, inbox] = [this.#key('log'), this.#key(`inbox:${this.node}`)];
    const from = [`${this.#at.seq}-0`, this.#inbox];
    const limits = ['COUNT', READ_AT_A_TIME, 'BLOCK', BLOCK_MS] as const;
    const answer = await this.#following.call('XREAD', ...limits, 'STREAMS', log, inbox, ...from);
    const found = new Map(news.parse(answer) ?? []);
    if (this.#closed) return;
    const entries = (found.get(log) ?? []).map(parseEntry);
    const [first] = entries;
    if (first !== undefined && first.entry.seq !== this.#at.seq + 1) {
      // So far behind that some are not kept any more.
      await this.#begin();
      return;
    }
    this.#at.seq = entries.at(-1)?.entry.seq ?? this.#at.seq;
    if (entries.length > 0) this.#listener?.entries(entries);
    for (const [id, fields] of found.get(inbox) ?? []) {
      this.#inbox = id;
      this.#listener?.message(JSON.parse(fields[1] ?? 'null'));
    }
  }

  #tellAway(reason: string | undefined): void {
    if (reason === this.#away) return;
    this.#away = reason;
    const { logger, name } = this.#options;
    if (reason === undefined) logger.info({ site: name }, 'the site can be reached again');
    else logger.warn({ site: name, reason }, 'the site cannot be reached');
    this.#listener?.away(reason);
  }
}

function parseEntry([id, fields]: readonly [string, readonly string[]]): SiteEntry {
  const values = Object.fromEntries(pairs(fields));
  const seq = Number(id.slice(0, id.indexOf('-')));
  return {
    pbx: values['p'] ?? '',
    entry: { seq, ...logged.parse(JSON.parse(values['e'] ?? '{}')) },
  };
}

function parseState(values: readonly string[]): PbxState {
  return stateOf(
    pairs(values).map(([key, text]) => {
      const schema = key.startsWith('d:') ? device : key.startsWith('c:') ? connection : z.string();
      return [key, schema.parse(JSON.parse(text))] as const;
    }),
  );
}

/** A list in which names and values take turns. */
function pairs(list: readonly string[]): [string, string][] {
  return list
    .flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ''] as const] : []))
    .map(([name, value]) => [name, value]);
}
