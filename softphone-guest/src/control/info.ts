import type { SessionStats } from '@offhook/media-rpc';
import type { Account, ListenAddress } from '@offhook/signaling';
import type { Device } from '@offhook/cti-bridge/client';
import type { Line } from '../call/call-manager.ts';
import type { DialPreview } from '../call/dialler.ts';
import type { Call } from '../call/model.ts';
import { runningRecording } from '../call/recordings.ts';
import type { Settings } from '../call/person-settings.ts';
import type { AccountConfig } from '../config.ts';
import type { Handsets } from '../handset/handsets.ts';
import type { Journal } from '../journal/journal.ts';
import type { JournalRow } from '../journal/rows.ts';
import type { EngineStatus } from '../media-port.ts';
import type { KnownLocation } from '../people/location.ts';
import type { ControlEvents } from './api.ts';
import type {
  AccountInfo,
  CallInfo,
  DialPreviewInfo,
  EngineInfo,
  JournalCallInfo,
  JournalInfo,
  MediaInfo,
  ModeInfo,
  SettingsInfo,
} from './schemas.ts';

/** Characters: a line on a screen. */
const MAX_LOCATION = 300;

export function describeCall(call: Call, stats: SessionStats | undefined): CallInfo {
  return {
    id: call.id,
    at: call.place,
    sipCallId: call.sipCallId,
    account: call.account,
    direction: call.direction,
    state: call.phase,
    remote: call.remote.uri,
    remoteName: call.remote.displayName ?? null,
    contact: call.remote.contact ?? null,
    startedAt: iso(call.startedAt),
    answeredAt: call.answeredAt === undefined ? null : iso(call.answeredAt),
    endedAt: call.endedAt === undefined ? null : iso(call.endedAt),
    held: call.hold.inForce,
    remoteHeld: call.remoteHeld,
    muted: call.muted,
    locallyMuted: call.locallyMuted,
    silentMs: call.silentMs,
    end: call.end === undefined ? null : { ...call.end },
    transfer: call.transfer ?? null,
    conference: call.conference ?? null,
    referredBy: call.referredBy ?? null,
    recording: call.phase === 'ended' ? null : (runningState(call) ?? null),
    recordings: call.recordings.map(({ file, startedAt, seconds = null, reason = null }) => ({
      file,
      startedAt: iso(startedAt),
      seconds,
      end: reason,
    })),
    media: describeMedia(stats),
  };
}

function runningState({ recordings }: Call): 'recording' | 'paused' | undefined {
  const state = runningRecording(recordings)?.state;
  return state === 'stopped' ? undefined : state;
}

export function describeMedia(stats: SessionStats | undefined): MediaInfo {
  return {
    codec: stats?.codec ?? null,
    txPackets: stats?.tx.packets ?? 0,
    rxPackets: stats?.rx.packets ?? 0,
    lossPct: stats?.rx.lossPct ?? 0,
    jitterMs: stats?.rx.jitterMs ?? 0,
    rttMs: stats?.rttMs ?? null,
    mos: stats?.mos ?? null,
    txLossPct: stats?.tx.lossPct ?? 0,
    concealedPct: stats?.concealedPct ?? 0,
    jitterBufferMs: stats?.jitterBufferMs ?? 0,
    inputDb: stats?.levels?.inputDb ?? null,
    outputDb: stats?.levels?.outputDb ?? null,
  };
}

export function describeAccount(config: AccountConfig, account: Account): AccountInfo {
  const { registration } = account;
  const failed = registration.state === 'failed' ? registration : undefined;
  const registered = registration.state === 'registered' ? registration : undefined;
  return {
    aor: config.aor,
    displayName: config.display_name ?? null,
    state: registration.state,
    registrar: registered?.registrar ?? null,
    expiresAt: registered === undefined ? null : iso(registered.expiresAt),
    status: failed?.status ?? null,
    reason: failed?.reason ?? null,
    retryAt: failed?.retryAt === undefined ? null : iso(failed.retryAt),
  };
}

export function describePreview(preview: DialPreview): DialPreviewInfo {
  const { uri, line, number = null, emergency = null, why } = preview;
  return { uri, account: line.config.aor, number, emergency, why: [...why] };
}

export function describeSettings(
  settings: Settings,
  lines: readonly Line[],
  { mode, desk }: Pick<Handsets, 'mode' | 'desk'>,
): SettingsInfo {
  const { doNotDisturb } = settings.current;
  const phone = desk?.known;
  return {
    doNotDisturb: mode === 'desk' ? (phone?.doNotDisturb ?? doNotDisturb) : doNotDisturb,
    forwarding: [
      ...lines.map(({ config }) => {
        const {
          always = null,
          busy = null,
          noAnswer = null,
          afterMs,
        } = settings.forwardingOf(config);
        return { account: config.aor, always, busy, noAnswer, afterMs };
      }),
      ...(phone === undefined ? [] : [deskForwarding(phone)]),
    ],
  };
}

function deskForwarding({ id, forwarding = [] }: Device): SettingsInfo['forwarding'][number] {
  const to = (type: string) => forwarding.find((one) => one.type === type)?.to ?? null;
  return {
    account: `desk:${id}`,
    always: to('immediate'),
    busy: to('busy'),
    noAnswer: to('noAnswer'),
    afterMs: 0,
  };
}

export function describeMode({ mode, desk }: Pick<Handsets, 'mode' | 'desk'>): ModeInfo {
  if (desk === undefined) return { mode, desk: null };
  const { status } = desk.line;
  return { mode, desk: { ...status, cannot: [...status.cannot] } };
}

export function describeEngine(
  status: EngineStatus,
  { text, warning }: KnownLocation,
  warn: boolean,
): EngineInfo {
  const connected = status.state === 'connected' ? status : undefined;
  return {
    state: status.state,
    channel: status.channel,
    engine: connected?.engine ?? null,
    worker: connected?.worker ?? null,
    text: engineText(status),
    location: text?.slice(0, MAX_LOCATION) ?? null,
    locationWarning: warning ?? null,
    warn,
  };
}

export function describeEmergency(
  { call, warning }: { readonly call: string; readonly warning: string | undefined },
  { text }: KnownLocation,
): ControlEvents['emergency'] {
  return { call, location: text ?? null, warning: warning ?? null };
}

function engineText(status: EngineStatus): string {
  switch (status.state) {
    case 'connecting':
      return `engine: connecting to ${status.channel}`;
    case 'connected':
      return status.worker === 'up'
        ? 'engine: connected'
        : `engine: connected, its media worker is ${status.worker === 'failed' ? 'down' : 'being restarted'}`;
    case 'disconnected':
      return `engine: not connected (${status.layer}: ${status.reason})`;
    default:
      return status satisfies never;
  }
}

export function describeJournal(journal: Journal): JournalInfo {
  const { status, size, inherited } = journal;
  const bad = status.state === 'degraded' ? status : undefined;
  return {
    state: status.state,
    calls: size,
    reason: bad?.reason ?? null,
    remedy: bad?.remedy ?? null,
    lost: inherited.lost ?? null,
  };
}

/** With nothing in it by which somebody else could take over the call's media. */
export function describeRow({ sip, call, media }: JournalRow): JournalCallInfo {
  return {
    id: call.id,
    account: sip.account,
    direction: sip.direction,
    remote: sip.remote.uri,
    state: sip.state,
    held: call.hold.inForce,
    session: `${media.session.slice(0, call.id.length)}-…`,
    revision: media.revision,
    sip: sip.content,
  };
}

export function describeListen({ transport, address, port }: ListenAddress): string {
  return `${transport}:${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
