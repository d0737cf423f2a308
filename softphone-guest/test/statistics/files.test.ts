import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCall } from '../../src/call/model.ts';
import { statisticsOf } from '../../src/statistics/figures.ts';
import { StatisticsFiles } from '../../src/statistics/files.ts';
import { HoldLog } from '../../src/statistics/hold-log.ts';
import { statisticsText } from '../../src/text/statistics.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'offhook-statistics-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const directory = () => join(root, 'stats');
const files = (keep: number) =>
  new StatisticsFiles({ directory: directory(), keep, clock: systemClock, logger: silentLogger });

function call(id: string, startedAt: number) {
  const fresh = newCall({
    id,
    sipCallId: `${id}@host`,
    account: 'sip:alice@example.com',
    direction: 'outgoing',
    remote: { uri: 'sip:bob@example.com' },
    at: startedAt,
  });
  const answered = { answeredAt: startedAt + 1000, endedAt: startedAt + 61_000 };
  return { ...fresh, ...answered, phase: 'ended' as const };
}

const direction = { packets: 3000, bytes: 480_000, lost: 30, lossPct: 1, jitterMs: 2 };
const measured = {
  id: 'a',
  codec: 'PCMA' as const,
  tx: direction,
  rx: direction,
  rttMs: 12,
  concealedPct: 1,
  jitterBufferMs: 40,
  mos: 4.1,
  mosLq: 4.2,
  rFactor: 85,
  endSystemMs: 100,
};

describe('statistics of a call', () => {
  it('are named as in RTCP XR, and null where nobody has counted', () => {
    const given = statisticsOf(call('abc', 0), measured, [], 99_000);
    expect(given).toMatchObject({
      state: 'ended',
      talkMs: 60_000,
      codec: 'PCMA',
      voipMetrics: {
        lossRate: 1,
        discardRate: null,
        burstDensity: null,
        roundTripDelay: 12,
        endSystemDelay: 100,
        rFactor: 85,
        mosLq: 4.2,
        mosCq: 4.1,
        jbNominal: 40,
      },
    });
    expect(statisticsText(given)).toMatch(/^MOS-LQ +4\.20$/m);
    expect(statisticsText(given)).toMatch(/^discard rate +-$/m);
  });

  it('have no metrics of a call without sound, or of an engine that tells less', () => {
    expect(statisticsOf(call('abc', 0), undefined, [], 0)).toMatchObject({
      codec: null,
      received: null,
      voipMetrics: null,
    });
    const { mosLq: _, rFactor: __, endSystemMs: ___, ...earlier } = measured;
    expect(statisticsOf(call('abc', 0), earlier, [], 0).voipMetrics).toMatchObject({
      mosCq: 4.1,
      mosLq: null,
      rFactor: null,
    });
  });

  it('have who held the call, and when', () => {
    const log = new HoldLog();
    const talking = { ...call('abc', 0), phase: 'established' as const };
    const held = { ...talking, hold: { wanted: true, inForce: true } };
    log.observe(talking, 1000);
    log.observe(held, 2000);
    log.observe({ ...held, remoteHeld: true }, 3000);
    log.observe({ ...talking, remoteHeld: true }, 4000);
    expect(log.of('abc').map(({ by, to }) => [by, to])).toEqual([
      ['local', '1970-01-01T00:00:04.000Z'],
      ['remote', null],
    ]);
    log.observe({ ...call('abc', 0), remoteHeld: true }, 5000);
    expect(log.of('abc').at(-1)?.to).toBe('1970-01-01T00:00:05.000Z');
    log.forget('abc');
    expect(log.of('abc')).toEqual([]);
  });
});

describe('statistics files', () => {
  const add = async (store: StatisticsFiles, id: string, at: number) => {
    store.add(statisticsOf(call(id, at), measured, [], at));
    await store.settled();
  };

  it('are for their user only, and read back by id, by its first letters, or as the last one', async () => {
    const store = files(10);
    await add(store, 'abc', 1000);
    await add(store, 'abd', 2000);
    const [first = ''] = readdirSync(directory()).toSorted();
    expect(first).toBe('19700101T000001000Z-abc.json');
    expect(statSync(join(directory(), first)).mode & 0o777).toBe(0o600);
    expect(statSync(directory()).mode & 0o777).toBe(0o700);
    expect((await store.find('abc'))?.id).toBe('abc');
    expect((await store.find('abd'))?.id).toBe('abd');
    expect((await store.find(undefined))?.id).toBe('abd');
    expect(await store.find('x')).toBeUndefined();
    await expect(store.find('ab')).rejects.toMatchObject({ code: 'ambiguous' });
  });

  it('go when they are too many or too old; what is not ours stays', async () => {
    const store = files(2);
    for (const [index, id] of ['a', 'b', 'c'].entries()) await add(store, id, index * 1000);
    writeFileSync(join(directory(), 'notes.txt'), '');
    const names = () => readdirSync(directory()).toSorted();
    expect(names()).toHaveLength(3);
    expect(names().join(' ')).not.toContain('-a.json');
    const [oldest = ''] = names();
    utimesSync(join(directory(), oldest), 1, 1);
    await files(2).settled();
    expect(names()).toHaveLength(2);
    await files(0).settled();
    expect(names()).toEqual(['notes.txt']);
  });

  it('are not written when they are not wanted, and stay inside their directory', async () => {
    await add(files(0), 'a', 0);
    expect(readdirSync(root)).toEqual([]);
    await add(files(5), '../../etc/x', 0);
    expect(readdirSync(root)).toEqual(['stats']);
    expect(readdirSync(directory())).toHaveLength(1);
  });

  it('that somebody has changed are told by name', async () => {
    const store = files(5);
    await add(store, 'abc', 0);
    const [name = ''] = readdirSync(directory());
    const path = join(directory(), name);
    for (const text of ['{', '{}', readFileSync(path, 'utf8').replace('"PCMA"', '7')]) {
      writeFileSync(path, text);
      await expect(store.find('abc')).rejects.toMatchObject({ code: 'invalid-file' });
    }
  });

  it('that cannot be written cost nothing else', async () => {
    writeFileSync(directory(), 'no directory');
    await add(files(5), 'abc', 0);
    expect(readFileSync(directory(), 'utf8')).toBe('no directory');
  });
});
