import { cleanup, render } from 'ink-testing-library';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EngineCall, EngineStatus } from '../../src/control/api.ts';
import { EngineApp } from '../../src/ui/engine-app.tsx';
import { keyTable } from '../../src/ui/keys.ts';
import { initialView, type EngineActions, type EngineView } from '../../src/ui/state.ts';

const NOW = Date.parse('2026-01-01T00:10:00.000Z');

const STATUS = {
  version: '0.1.0',
  pid: 1,
  instance: 'e',
  startedAt: NOW,
  listen: ['unix:/e'],
  worker: { state: 'up', message: '' },
  microphone: 'idle',
  guests: [{ instance: 'g', connected: true, leaseMs: 300_000 }],
  calls: 0,
  recorded: 0,
  ended: [],
  devices: { input: 'pulse:headset', output: 'default', ringer: 'default' },
  volumes: { input: 1, output: 1, ringer: 1 },
  guestVolumes: { input: 1, output: 1, ringer: 1 },
  standIns: {},
  voice: {
    echoCancellation: false,
    noiseSuppression: 'off',
    gainControl: false,
    switched: {},
  },
  desktops: [],
} as EngineStatus;

function call(id: string, more: Partial<EngineCall> = {}): EngineCall {
  return {
    id,
    guest: 'g',
    guestConnected: true,
    will: true,
    label: `sip:${id}@example.com`,
    state: 'active',
    held: false,
    muted: false,
    locallyMuted: false,
    background: false,
    microphone: false,
    codec: 'PCMA',
    openedAt: NOW - 65_000,
    media: { txPackets: 1, rxPackets: 1, lossPct: 0, jitterMs: 0, mos: 4.4 },
    ...more,
  };
}

const DEVICES = [
  { id: 'pulse:headset', name: 'Headset', roles: ['input', 'output'], present: true },
  { id: 'pulse:speaker', name: 'Speaker', roles: ['output', 'ringer'], present: true },
  { id: 'pulse:desk', name: 'Desk', roles: ['input'], present: false },
] satisfies EngineView['devices'];

afterEach(cleanup);

function show(more: Partial<EngineView> = {}) {
  const view: EngineView = { ...initialView, status: STATUS, devices: DEVICES, ...more };
  const done: string[] = [];
  const note =
    (name: string) =>
    (...values: unknown[]) =>
      void done.push([name, ...values].join(' '));
  const actions: EngineActions = {
    hangup: note('hangup'),
    mute: note('mute'),
    muteAll: note('muteAll'),
    take: note('take'),
    stopRecording: note('stopRecording'),
    select: note('select'),
    volume: note('volume'),
    dismiss: () => undefined,
  };
  const app = render(
    <EngineApp
      store={{ getState: () => view, subscribe: () => () => undefined }}
      actions={actions}
      colour={false}
      now={() => NOW}
      onQuit={note('quit')}
    />,
  );
  const frame = () => app.lastFrame() ?? '';
  return {
    done,
    frame,
    shows: (text: string) => vi.waitFor(() => expect(frame()).toContain(text)),
    press: (key: string) => app.stdin.write(key),
  };
}

describe('the screen of the engine', () => {
  it('shows calls, who is there, the microphone and the devices', () => {
    const { frame } = show({
      status: { ...STATUS, microphone: 'live' },
      calls: [call('bob', { microphone: true, srtp: 'AES_CM_128_HMAC_SHA1_80' })],
    });
    expect(frame()).toContain('microphone LIVE   guests 1 connected');
    expect(frame()).toContain('microphone pulse:headset   speaker default   ringer default');
    expect(frame()).toContain(
      '> sip:bob@example.com  1:05  PCMA SRTP  loss 0.0 %  MOS 4.4  microphone live',
    );
  });

  it('marks a call that is recorded, in words too, and ends that by a key', async () => {
    const recording = { state: 'recording', file: 'a.wav', startedAt: NOW } as const;
    const { frame, press, done } = show({ calls: [call('bob', { recording })] });
    expect(frame()).toContain('> ● REC  sip:bob@example.com');
    expect(frame()).toContain('s stop recording');
    press('s');
    await vi.waitFor(() => expect(done).toEqual(['stopRecording bob']));
    const paused = show({ calls: [call('bob', { recording: { ...recording, state: 'paused' } })] });
    expect(paused.frame()).toContain('> ● REC paused  sip:bob@example.com');
    const over = show({ calls: [call('bob', { recording: { ...recording, state: 'stopped' } })] });
    expect(over.frame()).not.toContain('REC');
  });

  it('shows how long the lease runs while a guest is away, and whether the far end will be told', () => {
    const leaseEndsAt = NOW + 252_000;
    const { frame } = show({
      status: {
        ...STATUS,
        guests: [{ instance: 'g', connected: false, leaseMs: 300_000, leaseEndsAt }],
      },
      calls: [
        call('bob', { guestConnected: false, leaseEndsAt }),
        call('eve', { guestConnected: false, leaseEndsAt, will: false }),
      ],
    });
    expect(frame()).toContain('guests 0 connected, 1 away: calls end in 4 min 12 s');
    expect(frame()).toMatch(/bob.*GUEST AWAY, ends in 4 min 12 s\n/);
    expect(frame().replaceAll('\n', ' ')).toMatch(/eve.*GUEST AWAY/);
  });

  it('shows calls that were lost, with what the far end was told', () => {
    const ended = {
      guest: 'g',
      id: 'c1',
      label: 'sip:bob@example.com',
      endedAt: NOW,
      will: { outcome: 'answered', attempts: 1, answer: 'SIP/2.0 200 OK' },
    } as const;
    const { frame } = show({ status: { ...STATUS, ended: [ended] } });
    expect(frame()).toContain('no calls');
    expect(frame()).toContain('lost: sip:bob@example.com, ended at 2026-01-01 00:10:00');
  });

  it('says that the engine is gone, and what the last command came to', () => {
    expect(show({ lost: 'the engine has ended' }).frame()).toContain(
      '! the engine has ended; looking for it',
    );
    expect(show({ notice: 'device: busy' }).frame()).toContain('! device: busy');
    expect(show({ status: undefined }).frame()).toContain('looking for the engine');
    const worker = { state: 'failed', message: '' } as const;
    expect(show({ status: { ...STATUS, worker } }).frame()).toContain('! media worker failed');
  });

  it('does not let a guest write on it what moves the cursor', () => {
    const { frame } = show({ calls: [call('bob', { label: 'sip:\u001b[2Jbob' })] });
    expect(frame()).not.toContain('\u001b[2J');
    expect(frame()).toContain('bob');
  });
});

describe('keys of the engine’s screen', () => {
  const two = {
    calls: [call('bob'), call('eve', { microphone: true, locallyMuted: true })],
  };

  it.each([
    ['x', 'hangup eve'],
    ['m', 'mute eve false'],
    ['M', 'muteAll true'],
    ['t', 'take eve'],
    ['+', 'volume output 1.1'],
    ['-', 'volume output 0.9'],
    ['q', 'quit'],
    ['\u0003', 'quit'],
  ])('%j does: %s', async (key, expected) => {
    const { press, done } = show(two);
    press(key);
    await vi.waitFor(() => expect(done).toEqual([expected]));
  });

  it('act on the call that was chosen', async () => {
    const { press, done, shows } = show(two);
    press('j');
    await shows('> sip:bob');
    press('x');
    await vi.waitFor(() => expect(done).toEqual(['hangup bob']));
    press('\u001B[A');
    await shows('> sip:eve');
  });

  it('open every microphone again when all are muted', async () => {
    const { press, done } = show({ calls: [call('bob', { locallyMuted: true })] });
    press('M');
    await vi.waitFor(() => expect(done).toEqual(['muteAll false']));
  });

  it('choose a device among those for the role', async () => {
    const { press, done, shows, frame } = show();
    press('i');
    await shows('Choose the microphone');
    expect(frame()).toContain('> Headset  pulse:headset');
    expect(frame()).not.toContain('Speaker');
    press('\u001B[B');
    await shows('> Desk  pulse:desk  not plugged in');
    press('\r');
    await vi.waitFor(() => expect(done).toEqual(['select input pulse:desk']));
    await shows('no calls');
  });

  it('leave the devices as they are', async () => {
    const { press, done, shows } = show();
    press('o');
    await shows('Choose the speaker');
    press('q');
    await shows('no calls');
    expect(done).toEqual([]);
  });

  it('are all explained, each on one line, and have one meaning', async () => {
    const { press, shows, frame } = show();
    press('?');
    await shows('Keys');
    for (const { help } of keyTable) expect(frame()).toContain(help);
    const characters = keyTable.flatMap((binding) => binding.characters.split(''));
    expect(new Set(characters).size).toBe(characters.length);
    press('z');
    await shows('no calls');
  });
});
