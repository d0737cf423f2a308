import type { ControlEventName, ControlEvents } from '../control/api.ts';
import type {
  AccountInfo,
  CallInfo,
  DevicesInfo,
  EngineInfo,
  ModeInfo,
  StatusInfo,
} from '../control/schemas.ts';
import type { Contact } from '../people/contact.ts';
import { addSamples, type Samples } from './samples.ts';
import type { LampInfo, StoredMessageInfo } from '../control/presence-schemas.ts';
import { texts } from './texts.ts';

interface Notice {
  readonly kind: 'info' | 'error';
  readonly text: string;
}

/** Older ones are let go. */
const MAX_MESSAGES = 1000;

/** What is fetched when it is first looked at, and kept up to date from then on. */
export type List = 'history' | 'contacts' | 'devices' | 'messages';

/** Everything that the screen shows of the daemon. */
export interface PhoneState {
  readonly daemon:
    | { readonly state: 'connecting' }
    | { readonly state: 'connected' }
    /** It was there; it is looked for. */
    | { readonly state: 'lost'; readonly reason: string };
  readonly accounts: readonly AccountInfo[];
  readonly engine: EngineInfo | undefined;
  /** Which handset is used, and the desk phone. */
  readonly handset: ModeInfo;
  /** Oldest first. */
  readonly calls: readonly CallInfo[];
  readonly doNotDisturb: boolean;
  /** `[screen]` of the configuration. */
  readonly screen: StatusInfo['screen'];
  /** Phones and persons that are watched. */
  readonly lamps: readonly LampInfo[];
  /** Newest first; undefined until it has been asked for. */
  readonly history: readonly CallInfo[] | undefined;
  readonly contacts: readonly Contact[] | undefined;
  readonly devices: DevicesInfo | undefined;
  /** Newest first. */
  readonly messages: readonly StoredMessageInfo[] | undefined;
  /** The last minute of each call. */
  readonly samples: Samples;
  readonly notice: Notice | undefined;
}

export const initialState: PhoneState = {
  daemon: { state: 'connecting' },
  accounts: [],
  engine: undefined,
  handset: { mode: 'soft', desk: null },
  calls: [],
  doNotDisturb: false,
  screen: { bell: true, title: true },
  lamps: [],
  history: undefined,
  contacts: undefined,
  devices: undefined,
  messages: undefined,
  samples: {},
  notice: undefined,
};

export type PhoneInput =
  | {
      readonly type: 'connected';
      readonly status: StatusInfo;
      readonly calls: readonly CallInfo[];
      readonly lamps?: readonly LampInfo[];
    }
  | { readonly type: 'lost'; readonly reason: string }
  | {
      readonly type: 'loaded';
      readonly lists: Partial<Pick<PhoneState, List>>;
    }
  | { readonly type: 'notice'; readonly notice: Notice | undefined }
  | {
      [E in ControlEventName]: {
        readonly type: 'event';
        readonly event: E;
        readonly params: ControlEvents[E];
      };
    }[ControlEventName];

/** Pure: the daemon's events as they change the screen. An unchanged state is the same object. */
export function reduce(state: PhoneState, input: PhoneInput): PhoneState {
  switch (input.type) {
    case 'connected':
      return {
        ...state,
        daemon: { state: 'connected' },
        accounts: input.status.accounts,
        engine: input.status.engine,
        handset: input.status.handset,
        calls: input.calls,
        doNotDisturb: input.status.settings.doNotDisturb,
        screen: input.status.screen,
        lamps: input.lamps ?? state.lamps,
      };
    case 'lost':
      return { ...state, daemon: { state: 'lost', reason: input.reason } };
    case 'notice':
      return { ...state, notice: input.notice };
    case 'loaded':
      return { ...state, ...input.lists };
    case 'event':
      return onEvent(state, input);
    default:
      return input satisfies never;
  }
}

function onEvent(state: PhoneState, input: Extract<PhoneInput, { type: 'event' }>): PhoneState {
  switch (input.event) {
    case 'call.changed':
      return input.params.state === 'ended'
        ? state
        : {
            ...state,
            calls: withCall(state.calls, input.params),
            notice: transferNotice(state.calls, input.params) ?? state.notice,
          };
    case 'call.ended':
      return {
        ...state,
        calls: state.calls.filter((call) => call.id !== input.params.id),
        notice: endNotice(input.params) ?? state.notice,
      };
    case 'registration.changed':
      return {
        ...state,
        accounts: state.accounts.map((one) => (one.aor === input.params.aor ? input.params : one)),
      };
    case 'settings.changed':
      return { ...state, doNotDisturb: input.params.doNotDisturb };
    case 'mode.changed':
      return { ...state, handset: input.params };
    case 'engine.changed':
      return { ...state, engine: input.params };
    case 'stats': {
      const figures = new Map(input.params.calls.map((one) => [one.id, one.media]));
      return {
        ...state,
        calls: state.calls.map((call) => ({ ...call, media: figures.get(call.id) ?? call.media })),
        samples: addSamples(state.samples, input.params.calls),
      };
    }
    case 'dtmf':
      return { ...state, notice: { kind: 'info', text: texts.dtmfReceived(input.params.digit) } };
    case 'message':
      // `message.changed` tells it, with its time.
      return state;
    case 'message.changed': {
      const { params } = input;
      return {
        ...state,
        messages: state.messages && withMessage(state.messages, params),
        notice:
          params.state === 'received'
            ? { kind: 'info', text: texts.message(params) }
            : state.notice,
      };
    }
    case 'lamp.changed': {
      const { lamps } = state;
      const { params } = input;
      return {
        ...state,
        lamps: lamps.some(({ target }) => target === params.target)
          ? lamps.map((lamp) => (lamp.target === params.target ? params : lamp))
          : [...lamps, params],
      };
    }
    case 'emergency': {
      const { location, warning } = input.params;
      const kind = warning === null ? 'info' : 'error';
      return { ...state, notice: { kind, text: texts.emergency(location, warning) } };
    }
    case 'voicemail.changed':
      return state;
    case 'devices.changed':
      return state.devices === undefined ? state : { ...state, devices: input.params };
    default:
      return input satisfies never;
  }
}

/** A transfer that has come to nothing: the call is there as before, and the person should know. */
function transferNotice(calls: readonly CallInfo[], changed: CallInfo): Notice | undefined {
  const { transfer } = changed;
  const before = calls.find((call) => call.id === changed.id)?.transfer;
  if (transfer === null || transfer.state === before?.state) return undefined;
  if (transfer.state !== 'failed' && transfer.state !== 'refused') return undefined;
  return { kind: 'error', text: texts.transferFailed(transfer) };
}

function withCall(calls: readonly CallInfo[], changed: CallInfo): readonly CallInfo[] {
  return calls.some((call) => call.id === changed.id)
    ? calls.map((call) => (call.id === changed.id ? changed : call))
    : [...calls, changed];
}

function withMessage(
  messages: readonly StoredMessageInfo[],
  changed: StoredMessageInfo,
): readonly StoredMessageInfo[] {
  return messages.some(({ id }) => id === changed.id)
    ? messages.map((one) => (one.id === changed.id ? changed : one))
    : [changed, ...messages].slice(0, MAX_MESSAGES);
}

function endNotice(call: CallInfo): Notice | undefined {
  if (call.end === null || call.end.by === 'local') return undefined;
  if (call.answeredAt === null) {
    return call.direction === 'incoming'
      ? { kind: 'info', text: texts.missed(call) }
      : { kind: 'error', text: texts.failed(call) };
  }
  return { kind: call.end.by === 'network' ? 'error' : 'info', text: texts.ended(call) };
}

/** The call that keys are about: the chosen one, else the one that needs a hand the most. */
export function focusOf(
  calls: readonly CallInfo[],
  chosen: string | undefined,
): CallInfo | undefined {
  return (
    calls.find((call) => call.id === chosen) ??
    calls.find((call) => call.state === 'incoming') ??
    calls.find((call) => call.state === 'established' && !call.held) ??
    calls.at(-1)
  );
}
