import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, silentLogger } from '@offhook/common';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { instanceId } from '../../src/journal/instance.ts';
import { Journal } from '../../src/journal/journal.ts';
import { awayMs, type LifeSign } from '../../src/journal/life-sign.ts';
import { APPLICATION_ID, CURRENT_VERSION, migrations } from '../../src/journal/migrations.ts';
import type { JournalRow } from '../../src/journal/rows.ts';

let dir: string;
let path: string;
let clock: ManualClock;
const open: Journal[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'offhook-journal-'));
  path = join(dir, 'journal.db');
  clock = new ManualClock();
});

afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

const boot = { boot: 'one', upMs: 1000, wall: 0 };

async function journal(options: { sign?: LifeSign; limit?: number } = {}): Promise<Journal> {
  const made = await Journal.open({
    path,
    clock,
    logger: silentLogger,
    sqlite: () => Promise.resolve(Database),
    historyLimit: options.limit ?? 3,
    lifeSign: () => options.sign ?? boot,
  });
  open.push(made);
  return made;
}

function row(id: string, revision = 1): JournalRow {
  return {
    sip: {
      version: 2,
      id: `sip-${id}`,
      direction: 'outgoing',
      account: 'sip:alice@example.com',
      remote: { uri: 'sip:bob@example.com' },
      state: 'established',
      content: { dialog: 'opaque' },
    },
    call: {
      id,
      phase: 'established',
      startedAt: 1,
      hold: { wanted: false, inForce: false },
      remoteHeld: false,
      muted: false,
    },
    media: {
      session: `${id}-secret`,
      revision,
      open: true,
      origin: { sessionId: '1', version: 1 },
      direction: 'sendrecv',
      muted: false,
    },
  };
}

/** A process that is killed closes nothing: another one sees what is in the file. */
function asKilled(): void {
  const copy = join(dir, 'killed');
  mkdirSync(copy);
  for (const name of readdirSync(dir)) {
    if (name.startsWith('journal.db'))
      writeFileSync(join(copy, name), readFileSync(join(dir, name)));
  }
  path = join(copy, 'journal.db');
}

describe('the journal', () => {
  it('gives what was committed to the process after the one that was killed', async () => {
    const first = await journal();
    first.commit([
      { id: 'a', row: row('a') },
      { id: 'b', row: row('b') },
    ]);
    first.commit([{ id: 'a', row: row('a', 2) }]);
    first.commit([{ id: 'b', row: undefined }]);
    asKilled();
    const { inherited } = await journal();
    expect(inherited.calls).toEqual([row('a', 2)]);
    expect(inherited.lost).toBeUndefined();
  });

  it('is for its user only', async () => {
    (await journal()).commit([{ id: 'a', row: row('a') }]);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
  });

  it('belongs to one daemon at a time', async () => {
    await journal();
    await expect(journal()).rejects.toMatchObject({ code: 'in-use' });
  });

  it('keeps so many ended calls and no more', async () => {
    const first = await journal();
    for (const entry of ['1', '2', '3', '4', '5']) first.addHistory(entry);
    await first.close();
    expect((await journal()).inherited.history).toEqual(['5', '4', '3']);
  });

  it('does not grow with the calls that have been', async () => {
    const first = await journal();
    const many = (count: number) => {
      for (let n = 0; n < count; n += 1) {
        first.commit([{ id: `c${n}`, row: row(`c${n}`) }]);
        first.addHistory(JSON.stringify(row(`c${n}`)));
        first.commit([{ id: `c${n}`, row: undefined }]);
      }
    };
    many(500);
    const size = () =>
      readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
    await first.close();
    const before = size();
    path = join(dir, 'journal.db');
    const second = await journal();
    for (let n = 0; n < 2000; n += 1) {
      second.commit([{ id: `d${n}`, row: row(`d${n}`) }]);
      second.addHistory(JSON.stringify(row(`d${n}`)));
      second.commit([{ id: `d${n}`, row: undefined }]);
    }
    await second.close();
    expect(size()).toBeLessThanOrEqual(before + 8192);
    expect(second.size).toBe(0);
  });
});

describe('a journal that cannot be read', () => {
  async function spoil(how: () => void): Promise<Journal> {
    const first = await journal();
    first.commit([{ id: 'a', row: row('a') }]);
    await first.close();
    how();
    return await journal();
  }

  it.each([
    ['is no database', () => writeFileSync(path, 'no database'.repeat(1000))],
    ['was cut off in the middle', () => truncateSync(path, statSync(path).size - 5000)],
    [
      'has rubbish in its pages',
      () => {
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 4096);
        writeFileSync(path, bytes);
      },
    ],
    [
      'is of a newer release',
      () => {
        const db = new Database(path);
        db.pragma('user_version = 99');
        db.close();
      },
    ],
    [
      'is of another program',
      () => {
        const db = new Database(path);
        db.pragma('application_id = 1');
        db.close();
      },
    ],
  ])('and %s is put aside, says so, and begins anew', async (_what, how) => {
    const second = await spoil(how);
    expect(second.inherited.calls).toEqual([]);
    expect(second.inherited.lost).toContain('journal.db');
    expect(second.status).toEqual({ state: 'ok' });
    expect(readdirSync(dir)).toContain('journal.db.unreadable');
    second.commit([{ id: 'n', row: row('n') }]);
    await second.close();
    expect((await journal()).inherited).toMatchObject({ calls: [row('n')], lost: undefined });
  });

  it('and was emptied says that calls may have been forgotten', async () => {
    const second = await spoil(() => truncateSync(path, 0));
    expect(second.inherited.lost).toBe('the journal was empty');
  });

  it('gives the calls that can be read, and says that there were others', async () => {
    const second = await spoil(() => {
      const db = new Database(path);
      db.prepare('INSERT INTO calls VALUES (?, 1, ?)').run('b', '{"sip":');
      db.prepare('INSERT INTO calls VALUES (?, 1, ?)').run('c', '{"sip":{"version":7}}');
      db.close();
    });
    expect(second.inherited.calls).toEqual([row('a')]);
    expect(second.inherited.lost).toBe('2 calls in the journal could not be read');
  });

  it('of an older release is brought up to date', async () => {
    const db = new Database(path);
    db.exec(migrations[0] ?? '');
    db.pragma('user_version = 1');
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.prepare('INSERT INTO calls VALUES (?, 1, ?)').run('a', JSON.stringify(row('a')));
    db.close();
    const now = await journal();
    expect(now.inherited.calls).toEqual([row('a')]);
    now.addHistory('entry');
    await now.close();
    const after = new Database(path);
    expect(after.pragma('user_version', { simple: true })).toBe(CURRENT_VERSION);
    after.close();
  });
});

describe('a journal that cannot be written', () => {
  it('is degraded while the disk is full, and catches up when there is room', async () => {
    let pages = 0;
    class Small extends Database {
      constructor(file: string, options: Database.Options) {
        super(file, options);
        if (pages > 0) this.pragma(`max_page_count = ${pages}`);
      }
    }
    pages = 12;
    const made = await Journal.open({
      path,
      clock,
      logger: silentLogger,
      sqlite: () => Promise.resolve(Small as unknown as typeof Database),
      historyLimit: 3,
      lifeSign: () => boot,
    });
    open.push(made);
    for (let n = 0; n < 100; n += 1) made.commit([{ id: `c${n}`, row: row(`c${n}`) }]);
    expect(made.status).toMatchObject({
      state: 'degraded',
      remedy: 'free space on the disk, or make the state directory writable',
    });
    made.commit([{ id: 'c0', row: undefined }]);
    await clock.advance(5000);
    expect(made.status.state).toBe('degraded');
    pages = 0;
    await clock.advance(5000);
    expect(made.status).toEqual({ state: 'ok' });
    expect(made.rows()).toHaveLength(99);
    await made.close();
    expect((await journal()).inherited.calls).toHaveLength(99);
  });

  it('in a place where there can be none takes calls all the same', async () => {
    writeFileSync(join(dir, 'file'), '');
    path = join(dir, 'file', 'journal.db');
    const made = await journal();
    expect(made.status.state).toBe('degraded');
    made.commit([{ id: 'a', row: row('a') }]);
    expect(made.rows()).toEqual([row('a')]);
  });

  it('for want of SQLite takes calls all the same', async () => {
    const made = await Journal.open({
      path,
      clock,
      logger: silentLogger,
      sqlite: () => Promise.reject(new Error('no addon')),
      historyLimit: 3,
    });
    expect(made.status).toMatchObject({ state: 'degraded', reason: 'no addon' });
    made.commit([{ id: 'a', row: row('a') }]);
    await made.close();
  });
});

describe('how long a phone was away', () => {
  const then = JSON.stringify({ boot: 'one', upMs: 10_000, wall: 1_000_000 });

  it.each([
    [{ boot: 'one', upMs: 12_500, wall: 1_002_500 }, 2500],
    // The wall clock was set back by a day meanwhile, and forward by one.
    [{ boot: 'one', upMs: 12_500, wall: -85_397_500 }, 2500],
    [{ boot: 'one', upMs: 12_500, wall: 87_402_500 }, 2500],
    [{ boot: 'two', upMs: 500, wall: 1_060_000 }, 60_000],
    [{ boot: 'two', upMs: 500, wall: 900_000 }, undefined],
    [{ boot: 'two', upMs: 500, wall: 1e15 }, undefined],
  ])('is told by clocks that can be trusted: %j', (now, expected) => {
    expect(awayMs(then, now)).toBe(expected);
  });

  it('is unknown when nothing sensible was written', () => {
    for (const text of ['', '{', '{}', '{"boot":1}']) {
      expect(awayMs(text, boot)).toBeUndefined();
    }
  });

  it('is counted from the last sign of life', async () => {
    const first = await journal();
    first.commit([{ id: 'a', row: row('a') }]);
    asKilled();
    const second = await journal({ sign: { boot: 'one', upMs: 4000, wall: 0 } });
    expect(second.inherited.awayMs).toBe(3000);
  });
});

describe('the id of the phone', () => {
  it('stays the same, is for its user only, and is not in the journal', () => {
    const id = instanceId(dir);
    expect(instanceId(dir)).toBe(id);
    expect(statSync(join(dir, 'instance')).mode & 0o077).toBe(0);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is made anew when the file has none', () => {
    writeFileSync(join(dir, 'instance'), 'rubbish');
    expect(instanceId(dir)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is one of this process where nothing can be written', () => {
    expect(instanceId(join(dir, 'missing'))).toMatch(/^[0-9a-f-]{36}$/);
  });
});
