import { controlMethod, OffhookError, type ControlMethods } from '@offhook/common';
import type { AudioRole } from '@offhook/media-rpc';
import type { Engine } from '../engine.ts';
import type { LiveSession } from '../session/live-session.ts';
import { isRecorded } from '../session/recording.ts';
import type { Sessions } from '../session/sessions.ts';
import type { LinkReport } from '../link/api.ts';
import { VERSION } from '../version.ts';
import { controlMethods as api, type EngineCall, type EngineStatus } from './api.ts';

export interface ControlFacts {
  /** @throws OffhookError while it is starting. */
  readonly engine: () => Engine;
  readonly listen: () => readonly string[];
  readonly desktops: () => readonly LinkReport[];
  /** ms since the epoch. */
  readonly startedAt: number;
}

/** The control socket's methods over a running engine. */
export function controlHandlers(facts: ControlFacts): ControlMethods {
  const { engine } = facts;
  const onCalls =
    (which: Which, act: (sessions: Sessions, session: LiveSession) => Promise<unknown>) =>
    async (params: { call?: string | undefined; all?: boolean | undefined }) => {
      const { sessions } = engine();
      const chosen = choose(sessions.table.all, params, which);
      await Promise.all(chosen.map((session) => act(sessions, session)));
      return { calls: chosen.map(({ id }) => id) };
    };
  return {
    status: controlMethod({ ...api.status, handle: () => status(facts) }),
    calls: controlMethod({
      ...api.calls,
      handle: async () => ({
        calls: await Promise.all(
          engine().sessions.table.all.map((session) => describe(engine(), session)),
        ),
      }),
    }),
    'calls.hangup': controlMethod({
      ...api['calls.hangup'],
      handle: onCalls('only-one', (sessions, session) => sessions.hangUp(session)),
    }),
    'calls.mute': controlMethod({
      ...api['calls.mute'],
      handle: onCalls('every', (sessions, session) =>
        sessions.mute(session, { locallyMuted: true }),
      ),
    }),
    'calls.unmute': controlMethod({
      ...api['calls.unmute'],
      handle: onCalls('every', (sessions, session) =>
        sessions.mute(session, { locallyMuted: false }),
      ),
    }),
    'calls.stop-recording': controlMethod({
      ...api['calls.stop-recording'],
      handle: onCalls('every', (sessions, session) => sessions.stopRecording(session)),
    }),
    'calls.take': controlMethod({
      ...api['calls.take'],
      handle: onCalls('only-one', (sessions, session) => sessions.takeOver(session)),
    }),
    'devices.list': controlMethod({
      ...api['devices.list'],
      handle: () => engine().devices.list(),
    }),
    'devices.select': controlMethod({
      ...api['devices.select'],
      handle: async ({ role, id }) => {
        await engine().devices.select(role, id, 'person');
        return {};
      },
    }),
    volume: controlMethod({
      ...api.volume,
      handle: async ({ role, volume }) => {
        await engine().devices.setVolume(role, volume, 'person');
        return {};
      },
    }),
    voice: controlMethod({
      ...api.voice,
      handle: async (wishes) => {
        await engine().devices.setVoice(wishes, 'person');
        return {};
      },
    }),
  };
}

type Which = 'only-one' | 'every';

/** The calls that are meant: by id or its beginning, all of them, or the only one. */
function choose(
  sessions: readonly LiveSession[],
  { call, all = false }: { call?: string | undefined; all?: boolean | undefined },
  which: Which,
): readonly LiveSession[] {
  const running = sessions.filter((session) => !session.data.hungUp);
  if (call !== undefined) {
    const exact = running.filter((session) => session.id === call);
    const found = exact.length > 0 ? exact : running.filter(({ id }) => id.startsWith(call));
    if (found.length === 0) throw new OffhookError('call', 'unknown-call', `no call ${call}`);
    if (found.length > 1) {
      throw new OffhookError('call', 'ambiguous', `${call} can mean ${found.length} calls`, {
        remedy: 'write more of its id',
      });
    }
    return found;
  }
  if (all || which === 'every') return running;
  if (running.length > 1) {
    throw new OffhookError('call', 'ambiguous', `there are ${running.length} calls`, {
      remedy: 'name one, or use --all',
    });
  }
  if (running.length === 0) throw new OffhookError('call', 'unknown-call', 'there is no call');
  return running;
}

async function describe(engine: Engine, session: LiveSession): Promise<EngineCall> {
  const { state } = session;
  const { codec, tx, rx, rttMs, mos, levels, echo } = await engine.stats(session);
  const { instance } = session.guest;
  return {
    id: session.id,
    guest: instance,
    guestConnected: engine.guests.connected(instance),
    leaseEndsAt: engine.guests.leaseEndsAt(instance),
    will: engine.wills.has(instance, session.id),
    label: state.label,
    state: state.state,
    direction: state.direction,
    held: state.direction !== undefined && state.direction !== 'sendrecv',
    muted: state.muted,
    locallyMuted: state.locallyMuted,
    background: session.background,
    microphone: session.microphone,
    recording: state.recording,
    codec: state.codec,
    srtp: state.srtp,
    local: state.local,
    remote: state.remote,
    openedAt: state.openedAt,
    media: {
      codec,
      txPackets: tx.packets,
      rxPackets: rx.packets,
      lossPct: rx.lossPct,
      jitterMs: rx.jitterMs,
      rttMs,
      mos,
      levels,
      echo,
    },
  };
}

function status({ engine: running, listen, desktops, startedAt }: ControlFacts): EngineStatus {
  const engine = running();
  const { devices, guests, sessions, wills } = engine;
  const roles = <T>(of: (role: AudioRole) => T) => ({
    input: of('input'),
    output: of('output'),
    ringer: of('ringer'),
  });
  return {
    version: VERSION,
    pid: process.pid,
    instance: engine.instance,
    startedAt,
    listen: [...listen()],
    desktops: [...desktops()],
    worker: { state: engine.health.worker, message: engine.health.message },
    microphone: microphoneState(sessions.table.all),
    guests: guests.all.map(({ instance, connections, active, leaseMs, leaseEndsAt }) => ({
      instance,
      connected: connections > 0,
      active,
      leaseMs,
      leaseEndsAt,
    })),
    calls: sessions.table.all.filter((session) => !session.data.hungUp).length,
    recorded: sessions.table.all.filter(({ data }) => isRecorded(data.recording)).length,
    ended: wills.ended
      .map(({ guest, ended }) => ({ ...ended, guest: guest.instance }))
      .toReversed(),
    devices: roles((role) => devices.selected(role)),
    volumes: roles((role) => devices.volume(role)),
    guestVolumes: roles((role) => devices.guestVolume(role)),
    standIns: devices.standIns,
    voice: { ...devices.voice, switched: devices.switchedVoice },
  };
}

function microphoneState(sessions: readonly LiveSession[]): EngineStatus['microphone'] {
  const talking = sessions.filter((session) => session.hasAudio && !session.background);
  if (talking.length === 0) return 'idle';
  if (talking.some((session) => session.microphone)) return 'live';
  const muted = talking.some(({ data }) => data.muted || data.locallyMuted);
  return muted ? 'muted' : 'on-hold';
}
