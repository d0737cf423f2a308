import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger, systemClock, type Logger } from '@offhook/common';
import { createClient, defineInterface, type MessageBus } from 'dbus-native';
import { ManagedProcess } from '@offhook/test-sipp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDesktop, type Desktop } from '../../src/desktop/desktop.ts';
import { FakeDaemon } from '../support/fake-daemon.ts';
import { guestConfig } from '../support/fake-phone.ts';

const run = promisify(execFile);
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 5000, interval: 20 });
const DEADLINE = { timeout: 5000 };

let directory: string;
let address: string;
let busDaemon: ManagedProcess;
let fake: FakeDaemon;
let desktop: Desktop | undefined;
const clients: MessageBus[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-bus-'));
  address = `unix:path=${join(directory, 'bus')}`;
  busDaemon = new ManagedProcess({
    name: 'dbus-daemon',
    command: 'dbus-daemon',
    args: ['--session', '--nofork', '--print-address', `--address=${address}`],
  });
  await busDaemon.ready(/unix:path=/, { within: 5000 });
  fake = new FakeDaemon();
  await fake.start();
});

afterEach(async () => {
  await desktop?.close();
  for (const client of clients.splice(0)) await client.close();
  await fake.remove();
  await busDaemon.stop();
  await rm(directory, { recursive: true, force: true });
});

async function open(logger: Logger = silentLogger, env = { DBUS_SESSION_BUS_ADDRESS: address }) {
  const { desktop: config } = guestConfig();
  desktop = await openDesktop({ config, paths: fake.paths, clock: systemClock, logger, env });
  return desktop;
}

/** systemd's client of the bus, as a script would use it. */
async function busctl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('busctl', ['--address', address, ...args], DEADLINE);
  return stdout;
}

function call(member: string, ...args: readonly string[]): Promise<string> {
  return busctl(
    'call',
    'org.offhook.Phone1',
    '/org/offhook/Phone1',
    'org.offhook.Phone1',
    member,
    ...args,
  );
}

/** Something else on the bus. */
async function client(): Promise<MessageBus> {
  const bus = createClient({ busAddress: address });
  clients.push(bus);
  await bus.getId();
  return bus;
}

/** A player that does what it is told, and notes it. */
async function player(
  name: string,
  playing: boolean,
): Promise<{ status: string; asked: string[] }> {
  const state = { status: playing ? 'Playing' : 'Paused', asked: [] as string[] };
  const bus = await client();
  const set = (status: string, asked: string) => () => {
    state.status = status;
    state.asked.push(asked);
  };
  await bus.export(
    '/org/mpris/MediaPlayer2',
    defineInterface({
      name: 'org.mpris.MediaPlayer2.Player',
      methods: {
        Pause: { handler: set('Paused', 'Pause') },
        Play: { handler: set('Playing', 'Play') },
      },
      properties: { PlaybackStatus: { type: 's', access: 'read', get: () => state.status } },
    }),
  );
  await bus.ownName(`org.mpris.MediaPlayer2.${name}`);
  return state;
}

describe('the phone on the session bus', () => {
  it('dials, and tells of the call', async () => {
    await open();
    expect(await call('Dial', 'ss', 'carol', '')).toMatch(/^s "\w+"/);
    expect(await call('ListCalls')).toMatch(/"remote" s "sip:carol@example\.com"/);
    const inCall = ['org.offhook.Phone1', '/org/offhook/Phone1', 'org.offhook.Phone1', 'InCall'];
    await until(async () => expect(await busctl('get-property', ...inCall)).toBe('b true\n'));
    await call('HangUp', 's', '');
    await until(async () => expect(await call('ListCalls')).toBe('aa{sv} 0\n'));
  });

  it('answers a call that comes in, as a program on the bus asks for it', async () => {
    await open();
    const bus = await client();
    const seen: unknown[] = [];
    const phone = await bus.proxy('org.offhook.Phone1', '/org/offhook/Phone1');
    await phone.$watch('CallChanged', (told: unknown) => void seen.push(told));
    fake.account.ring('sip:bob@example.com', 'Bob');
    await until(() => expect(seen).toMatchObject([{ state: 'incoming', name: 'Bob' }]));
    await call('Answer', 's', '');
    await until(() => expect(seen.at(-1)).toMatchObject({ state: 'answering' }));
  });

  it('says what is wrong, by a name for programs and in words', async () => {
    await open();
    await expect(call('Dial', 'ss', 'not a target', '')).rejects.toThrow(/cannot dial/);
    await expect(call('HangUp', 's', 'nope')).rejects.toThrow(/nope/);
  });

  it('describes itself', async () => {
    await open();
    const xml = await busctl(
      'introspect',
      '--xml-interface',
      'org.offhook.Phone1',
      '/org/offhook/Phone1',
    );
    expect(xml).toContain('<method name="Transfer">');
    expect(xml).toContain('<signal name="CallEnded">');
  });

  it('refuses more than a program that is well would ask for', async () => {
    await open();
    const bus = await client();
    const phone = await bus.proxy('org.offhook.Phone1', '/org/offhook/Phone1');
    const list = phone['ListCalls'] as () => Promise<unknown>;
    const outcomes = await Promise.allSettled(Array.from({ length: 80 }, () => list()));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(30);
    expect(refused[0]).toMatchObject({ reason: { dbusName: 'org.offhook.Error.LimitReached' } });
  });

  it('does without a bus, or without its name, and says so', async () => {
    const lines: string[] = [];
    const note = (_fields: object, message: string) => void lines.push(message);
    const logger = { ...silentLogger, info: note, warn: note };
    expect(await open(logger, { DBUS_SESSION_BUS_ADDRESS: '' })).toBeUndefined();
    expect(await open(logger, { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' })).toBeUndefined();
    const bus = await client();
    await bus.ownName('org.offhook.Phone1');
    expect(await open(logger)).toBeDefined();
    expect(lines).toEqual([
      expect.stringContaining('no session bus'),
      expect.stringContaining('cannot be used'),
      expect.stringContaining('another phone has the name'),
    ]);
  });
});

describe('players', () => {
  it('pause while a call is up; those that played go on', async () => {
    const [music, silent] = [await player('music', true), await player('silent', false)];
    await open();
    await call('Dial', 'ss', 'carol', '');
    await until(() => expect(music.status).toBe('Paused'));
    await call('HangUp', 's', '');
    await until(() => expect(music.status).toBe('Playing'));
    expect(silent.asked).toEqual([]);
  });

  it('are left alone that the person has started in the call', async () => {
    const music = await player('music', true);
    await open();
    await call('Dial', 'ss', 'carol', '');
    await until(() => expect(music.status).toBe('Paused'));
    music.status = 'Stopped';
    await desktop?.close();
    expect(music.asked).toEqual(['Pause']);
  });
});

describe('notifications', () => {
  it('show a call that rings, answer it, and go', async () => {
    const bus = await client();
    const shown: unknown[][] = [];
    const closed: unknown[] = [];
    const server = defineInterface({
      name: 'org.freedesktop.Notifications',
      methods: {
        Notify: {
          in: {
            app: 's',
            replaces: 'u',
            icon: 's',
            summary: 's',
            body: 's',
            actions: 'as',
            hints: 'a{sv}',
            timeout: 'i',
          },
          out: { id: 'u' },
          handler: ({ summary, body, actions }) => shown.push([summary, body, actions]),
        },
        CloseNotification: { in: { id: 'u' }, handler: ({ id }) => void closed.push(id) },
      },
      signals: { ActionInvoked: { args: { id: 'u', action: 's' } } },
    });
    await bus.export('/org/freedesktop/Notifications', server);
    await bus.ownName('org.freedesktop.Notifications');
    await open();
    fake.account.ring('sip:bob@example.com', '<b>Bob</b>');
    const actions = ['answer', 'Answer', 'reject', 'Reject'];
    const body = '&lt;b&gt;Bob&lt;/b&gt; &lt;bob@example.com&gt;';
    await until(() => expect(shown).toEqual([['Incoming call', body, actions]]));
    server.emit['ActionInvoked']?.(1, 'answer');
    await until(() => expect(closed).toEqual([1]));
    await until(async () => expect(await call('ListCalls')).toContain('"answering"'));
  });
});
