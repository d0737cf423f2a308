import { audioDevice, audioRole, recordingEnd, standIns } from '@offhook/media-rpc/schemas';
import { z } from 'zod';

/** What the control socket tells of calls, lines and the engine: the vocabulary of scripts. */

export const isoTime = z.string().describe('ISO 8601, UTC');

export const callState = z
  .enum(['dialing', 'ringing', 'early', 'incoming', 'answering', 'established', 'ending', 'ended'])
  .describe('Hold is not a state: see `held` and `remoteHeld`');

export const mediaInfo = z.object({
  codec: z.string().nullable(),
  txPackets: z.int().describe('RTP packets sent'),
  rxPackets: z.int().describe('RTP packets received'),
  lossPct: z.number().describe('Received direction, share of packets lost, 0…100'),
  jitterMs: z.number().describe('Received direction, RFC 3550 §6.4.1'),
  rttMs: z.number().nullable().describe('Round trip by RTCP; null until a report came back'),
  mos: z.number().nullable().describe('Listening quality 1…4.5 by the E-model'),
  txLossPct: z.number().describe('Sent direction, as the peer reports it'),
  concealedPct: z.number().describe('Share of played audio that was concealed, 0…100'),
  jitterBufferMs: z.number(),
  inputDb: z.number().nullable().describe('Microphone level, dBFS'),
  outputDb: z.number().nullable().describe('Level of what the peer sends, dBFS'),
});

export const callEnd = z.object({
  by: z.enum(['local', 'remote', 'network']),
  status: z.int().describe('SIP status; 200 for a BYE'),
  reason: z.string().describe('In words'),
});

const place = z
  .enum(['soft', 'desk'])
  .describe('Where the sound is: at the thin client, or on the desk phone');

export const callInfo = z.object({
  id: z.string(),
  at: place.default('soft'),
  sipCallId: z
    .string()
    .describe('Call-ID of its dialog, as PBX logs have it; at the desk phone the CTI bridge’s id'),
  account: z.string().describe('Address of record of the line; `desk:DEVICE` at the desk phone'),
  direction: z.enum(['outgoing', 'incoming']),
  state: callState,
  remote: z.string().describe('SIP URI of the other party'),
  remoteName: z.string().nullable().describe('As the network says'),
  contact: z.string().nullable().describe('Name in the contacts'),
  startedAt: isoTime,
  answeredAt: isoTime.nullable(),
  endedAt: isoTime.nullable(),
  held: z.boolean().describe('Held by this end'),
  remoteHeld: z.boolean().describe('Held by the peer'),
  muted: z.boolean().describe('Muted here, in the guest'),
  locallyMuted: z.boolean().describe('Muted at the thin client; cannot be undone from here'),
  silentMs: z.number().describe('Milliseconds that nothing has come from the peer; 0 if it comes'),
  end: callEnd.nullable(),
  transfer: z
    .object({
      to: z.string().describe('SIP URI'),
      state: z
        .enum(['asked', 'accepted', 'progress', 'succeeded', 'failed', 'refused', 'unknown'])
        .describe('`unknown`: accepted by somebody who does not report'),
      status: z.int().describe('SIP status of the target or of the refusal; 0 if there is none'),
      reason: z.string(),
    })
    .nullable()
    .describe('The other party is being handed on'),
  conference: z
    .string()
    .nullable()
    .describe(
      'Calls with the same name are mixed together at the thin client; a call at the desk phone that has one is a conference itself',
    ),
  referredBy: z.string().nullable().describe('SIP URI of whoever asked for this call'),
  recording: z
    .enum(['recording', 'paused'])
    .nullable()
    .default(null)
    .describe('It is being recorded at the thin client; `paused`: silence is'),
  recordings: z
    .array(
      z.object({
        file: z.string().describe('Name in the thin client’s directory of recordings'),
        startedAt: isoTime.describe('By the clock of the thin client'),
        seconds: z.number().nullable().describe('Its length with pauses; null until it has ended'),
        end: recordingEnd.nullable().describe('Why it has ended'),
      }),
    )
    .default([])
    .describe('All recordings of the call, in order'),
  media: mediaInfo,
});

export const dialPreview = z.object({
  uri: z.string().describe('Request-URI'),
  account: z.string().describe('Address of record of the line that dials'),
  number: z.string().nullable().describe('E.164, of a number of the public network'),
  emergency: z.string().nullable().describe('The emergency number that it is'),
  why: z.array(z.string()).describe('What the rules did, in words'),
});

export const accountInfo = z.object({
  aor: z.string(),
  displayName: z.string().nullable(),
  state: z.enum(['unregistered', 'registering', 'registered', 'failed']),
  registrar: z.string().nullable(),
  expiresAt: isoTime.nullable(),
  status: z.int().nullable().describe('SIP status of the failure; 0 when nothing answered'),
  reason: z.string().nullable(),
  retryAt: isoTime.nullable(),
});

export const engineInfo = z.object({
  state: z.enum(['connecting', 'connected', 'disconnected']),
  channel: z.string(),
  engine: z.string().nullable().describe('Instance id: another one after a restart'),
  worker: z.enum(['up', 'restarting', 'failed']).nullable(),
  text: z.string().describe('In words, e.g. `engine: not connected (unix:/…: no such file)`'),
  location: z
    .string()
    .nullable()
    .default(null)
    .describe('Where the thin client is, in words: what an emergency call would tell'),
  locationWarning: z
    .string()
    .nullable()
    .default(null)
    .describe('Why an emergency call would tell no place, or perhaps a wrong one'),
  warn: z
    .boolean()
    .default(false)
    .describe('Whether screens show that warning all the time (`emergency.warn`)'),
});

export const modeInfo = z.object({
  mode: place.describe('The handset in use: where is dialled, and what settings are about'),
  desk: z
    .object({
      device: z.string().describe('As the CTI bridge names it'),
      state: z
        .enum(['connecting', 'connected', 'disconnected', 'no-device', 'out-of-service'])
        .describe('`no-device`: the bridge does not show it to our token'),
      text: z.string().describe('In words, e.g. `desk phone alice: connected`'),
      cannot: z
        .array(z.object({ command: z.string(), reason: z.string() }))
        .describe('What it cannot be asked to do, and why'),
    })
    .nullable()
    .describe('Null where no desk phone is configured'),
});

export const settingsInfo = z.object({
  doNotDisturb: z.boolean().describe('Of the handset in use'),
  forwarding: z.array(
    z.object({
      account: z.string().describe('Address of record; `desk:DEVICE` for the desk phone'),
      always: z.string().nullable(),
      busy: z.string().nullable(),
      noAnswer: z.string().nullable(),
      afterMs: z
        .int()
        .describe('Ringing before `noAnswer`; 0 for the desk phone, where the PBX decides'),
    }),
  ),
});

export const journalCall = z.object({
  id: z.string().describe('Of the call'),
  account: z.string(),
  direction: z.enum(['outgoing', 'incoming']),
  remote: z.string(),
  state: z
    .enum(['inviting', 'ringing', 'established', 'ending'])
    .describe('Where SIP stands: what the next daemon would go on with'),
  held: z.boolean(),
  session: z.string().describe('Media session at the engine; the part that is a secret is masked'),
  revision: z.int().describe('Of the media session, as far as it is known here'),
  sip: z.unknown().describe('Dialog, transaction and session state, for debugging; no fixed form'),
});

export const journalInfo = z.object({
  state: z
    .enum(['ok', 'degraded'])
    .describe('degraded: not written, calls would not survive a restart of the daemon'),
  calls: z.int().describe('Calls that are written down'),
  reason: z.string().nullable().describe('Why it is degraded'),
  remedy: z.string().nullable(),
  lost: z
    .string()
    .nullable()
    .describe('Why calls of an earlier daemon may have been forgotten; null: none were'),
});

export const statusInfo = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: isoTime,
  config: z.string(),
  listening: z.array(z.string()).describe('What is really bound, e.g. `udp:192.0.2.7:5060`'),
  accounts: z.array(accountInfo),
  engine: engineInfo,
  calls: z.int(),
  journal: journalInfo,
  settings: settingsInfo,
  handset: modeInfo.default({ mode: 'soft', desk: null }),
  screen: z
    .object({ bell: z.boolean(), title: z.boolean() })
    .default({ bell: true, title: true })
    .describe('How the phone on the terminal draws attention to calls'),
});

export const enginesInfo = z.object({
  engines: z.array(
    z.object({
      channel: z.string(),
      kind: z.enum(['client', 'fallback']).describe('`fallback`: the engine in the guest'),
      active: z.boolean().describe('The phone is used there; so it is at exactly one'),
      connected: z.boolean(),
    }),
  ),
});

export const devicesInfo = z.object({
  devices: z.array(audioDevice),
  selected: z.record(audioRole, z.string()),
  standIns: standIns
    .optional()
    .describe('Devices in use in place of selected ones that are gone, by role'),
});

export const messageInfo = z.object({
  account: z.string(),
  from: z.string(),
  fromName: z.string().nullable(),
  type: z.string(),
  text: z.string(),
});

export const tracedMessage = z.object({
  at: z.number().describe('Wall clock, milliseconds since 1970'),
  direction: z.enum(['in', 'out']),
  transport: z.string(),
  local: z.string(),
  remote: z.string(),
  message: z.string().describe('As on the wire; secrets are masked'),
});

export const checkInfo = z.object({
  layer: z.enum([
    'config',
    'daemon',
    'journal',
    'channel',
    'engine',
    'device',
    'sip',
    'registrar',
    'nat',
    'call',
    'media',
  ]),
  level: z.enum(['ok', 'warn', 'fail']),
  message: z.string(),
  remedy: z.string().nullable(),
});

export type MediaInfo = z.output<typeof mediaInfo>;
export type SettingsInfo = z.output<typeof settingsInfo>;
export type ModeInfo = z.output<typeof modeInfo>;
export type CallInfo = z.output<typeof callInfo>;
export type DialPreviewInfo = z.output<typeof dialPreview>;
export type AccountInfo = z.output<typeof accountInfo>;
export type EngineInfo = z.output<typeof engineInfo>;
export type JournalCallInfo = z.output<typeof journalCall>;
export type JournalInfo = z.output<typeof journalInfo>;
export type StatusInfo = z.output<typeof statusInfo>;
export type EnginesInfo = z.output<typeof enginesInfo>;
export type DevicesInfo = z.output<typeof devicesInfo>;
export type MessageInfo = z.output<typeof messageInfo>;
export type CheckInfo = z.output<typeof checkInfo>;
