import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectCti, type CtiClient } from '@offhook/cti-bridge/client';
import { until } from '@offhook/test-sipp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeManager } from '../src/fake-manager.ts';
import { RedisServer } from '../src/redis-server.ts';
import { SiteNode, TOKEN } from '../src/site-node.ts';

const PHONES = 20;
const LEASE_MS = 1500;
const NAMES = ['east', 'west'] as const;
type Name = (typeof NAMES)[number];

let directory: string;
let redis: RedisServer;
let managers: Record<Name, FakeManager>;
let nodes: SiteNode[] = [];
const clients: CtiClient[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-site-'));
  redis = await RedisServer.start(directory, { persistent: true });
  const [east, west] = await Promise.all(NAMES.map((name) => FakeManager.start(PHONES, name)));
  if (east === undefined || west === undefined) throw new Error('no managers');
  managers = { east, west };
  nodes = await Promise.all([start(), start()]);
  await shared();
});

afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all(Object.values(managers).map((one) => one.close()));
  await redis.stop();
  await rm(directory, { recursive: true, force: true });
});

function start(): Promise<SiteNode> {
  return SiteNode.start({
    directory,
    redis: redis.url,
    leaseMs: LEASE_MS,
    pbxs: { east: managers.east.port, west: managers.west.port },
  });
}

/** Waits until both bridges have one PBX each. */
async function shared(): Promise<void> {
  await until(
    'each bridge to have a PBX',
    async () =>
      (await Promise.all(nodes.map((node) => node.own()))).every(({ length }) => length === 1),
    { within: 20_000, every: 50 },
  );
  await Promise.all(nodes.map((node) => node.ready()));
}

interface Follower {
  readonly client: CtiClient;
  readonly seqs: number[];
  readonly events: { type: string; connection: string; at: number }[];
  readonly resets: number[];
}

/** Somebody who follows at the first of these addresses for as long as it is there. */
async function follow(...url: string[]): Promise<Follower> {
  const client = await connectCti({ url, token: () => TOKEN, timeoutMs: 5000 });
  clients.push(client);
  const follower: Follower = { client, seqs: [], events: [], resets: [] };
  client.on('reset', () => follower.resets.push(Date.now()));
  client.on('event', ({ seq, event }) => {
    follower.seqs.push(seq);
    const connection = event.connection?.id ?? '';
    follower.events.push({ type: event.type, connection, at: Date.now() });
  });
  return follower;
}

function busy(): string[] {
  return Object.values(managers)
    .flatMap((one) => one.busy)
    .toSorted();
}

/** Waits until a client sees the calls that there are. */
async function sees({ client }: Follower): Promise<void> {
  const seen = () =>
    client.mirror
      .connections()
      .map(({ device = '' }) => device)
      .toSorted();
  await until('the client to see what is there', () => seen().join() === busy().join(), {
    within: 10_000,
    seen: () => `sees ${seen().join()}; there is ${busy().join()}`,
  });
}

/** Begins and ends calls at both PBXs, until it is told to stop. */
function traffic(): () => Promise<void> {
  let at = 0;
  const timer = setInterval(() => {
    managers.east.toggle(at % PHONES);
    managers.west.toggle((at * 7) % PHONES);
    at++;
  }, 10);
  return () => {
    clearInterval(timer);
    return Promise.resolve();
  };
}

async function ownerOf(pbx: Name): Promise<{ owner: SiteNode; other: SiteNode }> {
  const [first, second] = nodes;
  if (first === undefined || second === undefined) throw new Error('no nodes');
  return (await first.own()).includes(pbx)
    ? { owner: first, other: second }
    : { owner: second, other: first };
}

const consecutive = (seqs: readonly number[]) =>
  seqs.every((seq, at) => at === 0 || seq === (seqs[at - 1] ?? 0) + 1);

describe('two bridges that share a site', () => {
  it('each show every device, and have done what is asked of the other’s', async () => {
    const { owner, other } = await ownerOf('east');
    for (const node of [owner, other]) {
      const { client } = await follow(node.url);
      expect(client.mirror.devices()).toHaveLength(2 * PHONES);
      for (const device of ['east-1', 'west-1']) {
        await client.request('setMessageWaiting', { device, on: true });
        // The events come before the answer.
        expect(client.mirror.device(device)?.messageWaiting).toBe(true);
        await client.request('setMessageWaiting', { device, on: false });
      }
      const refused = client.request('answerCall', { connection: 'east:none' });
      await expect(refused).rejects.toMatchObject({ code: 'no-such-connection' });
    }
    expect(managers.east.actions).toHaveLength(4);
  });

  it('lose and double no event when one is killed, and it is over within 3 s', async () => {
    const { owner, other } = await ownerOf('east');
    const follower = await follow(owner.url, other.url);
    await sees(follower);
    const stop = traffic();
    await until('events', () => follower.seqs.length > 50, { within: 5000 });
    owner.process.killNow();
    const killed = Date.now();
    const isEast = ({ connection }: { connection: string }) => connection.startsWith('east:');
    await until(
      'events of the killed bridge’s PBX',
      () => follower.events.some((one) => isEast(one) && one.at > killed + 200),
      { within: 10_000, every: 10 },
    );
    const back = follower.events.find((one) => isEast(one) && one.at > killed + 200);
    expect((back?.at ?? Infinity) - killed).toBeLessThan(3000);
    await stop();
    await sees(follower);
    expect(follower.resets).toEqual([]);
    expect(consecutive(follower.seqs)).toBe(true);
    const said = follower.events.map(({ type, connection }) => `${type} ${connection}`);
    const once = said.filter((text) => /^(established|originated|connectionCleared)/.test(text));
    expect(once.length).toBe(new Set(once).size);
    nodes = [other, await start()];
    await shared();
  });

  it('a bridge that stood still neither tells nor does anything after its lease', async () => {
    const { owner, other } = await ownerOf('east');
    const follower = await follow(other.url);
    const before = managers.east.actions.length;
    owner.process.signal('SIGSTOP');
    // It is asked while it stands still, and nobody answers for it.
    const asked = follower.client
      .request('setMessageWaiting', { device: 'east-2', on: true })
      .catch((error: unknown) => error);
    const stop = traffic();
    await until('the other to have both', async () => (await other.own()).length === 2, {
      within: 5000,
    });
    expect(await asked).toMatchObject({ code: 'pbx-gone' });
    await other.ready();
    owner.process.signal('SIGCONT');
    await until('it to be back', async () => (await owner.own()).length === 1, { within: 10_000 });
    await stop();
    await sees(follower);
    expect(managers.east.actions.length).toBe(before);
    expect(consecutive(follower.seqs)).toBe(true);
    await sees(await follow(owner.url));
  });

  it('say so when Redis is gone, and everything is right after its return', async () => {
    await shared();
    const [first] = nodes;
    const follower = await follow(...nodes.map(({ url }) => url));
    const stop = traffic();
    await redis.kill();
    await until(
      'the bridge to say so',
      async () => (await first?.down())?.includes('site') === true,
      {
        within: 5000,
      },
    );
    const refused = follower.client.request('setMessageWaiting', { device: 'east-1', on: true });
    await expect(refused).rejects.toMatchObject({ code: /^(site|pbx)-gone$/ });
    await until(
      'the bridges to let go of the PBXs',
      async () => (await Promise.all(nodes.map((one) => one.own()))).flat().length === 0,
      { within: 5000 },
    );
    await redis.again();
    await shared();
    await stop();
    await sees(follower);
    await sees(await follow(first?.url ?? ''));
    await follower.client.request('setMessageWaiting', { device: 'east-1', on: true });
  });
});
