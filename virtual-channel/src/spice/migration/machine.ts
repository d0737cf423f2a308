/**
 * How a client follows a desktop that moves to another host (spice.proto `MainChannel`, messages 101,
 * 102, 111, 112, 116-118 and `BaseChannel` 1, 2). The server chooses among three ways:
 *
 * - *seamless*: the client stands at both servers; what is under way is carried over channel by
 *   channel, and nothing is lost;
 * - *semi-seamless*: the client stands at both, and at the end leaves the source. What is under way is
 *   lost;
 * - *switch-host*: the client is only told where to connect anew. The same holds.
 *
 * Until the source says that the move is over, anything that goes wrong costs only the connection to
 * the destination.
 */
export type MigrationState =
  /** One server, no move. */
  | { readonly kind: 'settled' }
  /** The connection to the destination is being made. */
  | { readonly kind: 'connecting'; readonly seamless: boolean; readonly version: number }
  /** We stand at both; the guest still runs at the source. */
  | { readonly kind: 'connected'; readonly seamless: boolean }
  /** The source counts on our standing at the destination, and we do no more. */
  | { readonly kind: 'broken' }
  /** Seamless: each channel goes over by itself. */
  | { readonly kind: 'moving'; readonly main: Progress; readonly port: Progress }
  /** Over: there has to be a new connection. */
  | { readonly kind: 'left' };

type Progress = 'waiting' | 'data' | 'moved';
export type MovedChannel = 'main' | 'port';

export type MigrationInput =
  /** MIGRATE_BEGIN, or MIGRATE_BEGIN_SEAMLESS with the source's version. */
  | { readonly kind: 'begin'; readonly version: number | undefined }
  | { readonly kind: 'main-linked' }
  | { readonly kind: 'port-linked' }
  /** MIGRATE_DST_SEAMLESS_ACK or _NACK. */
  | { readonly kind: 'seamless-answer'; readonly accepted: boolean }
  /** The destination cannot be reached, refuses us, or has closed. */
  | { readonly kind: 'destination-failed' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'end' }
  | { readonly kind: 'switch-host' }
  /** MIGRATE of a channel, with its flags. */
  | {
      readonly kind: 'migrate';
      readonly channel: MovedChannel;
      readonly flush: boolean;
      readonly data: boolean;
    }
  /** MIGRATE_DATA of a channel. */
  | { readonly kind: 'data'; readonly channel: MovedChannel }
  | { readonly kind: 'source-closed'; readonly channel: MovedChannel }
  /** A step that the other side owes us has not come in time. */
  | { readonly kind: 'late' };

export type MigrationEffect =
  | { readonly kind: 'link-main' }
  | { readonly kind: 'ask-seamless'; readonly version: number }
  | { readonly kind: 'link-port' }
  | { readonly kind: 'tell-connected'; readonly seamless: boolean }
  | { readonly kind: 'tell-failed' }
  | { readonly kind: 'drop-destination' }
  /** Nothing more is sent to the source on the port. */
  | { readonly kind: 'hold-port' }
  | { readonly kind: 'flush-mark'; readonly channel: MovedChannel }
  /** The channel goes on at the destination, with the data (if any) as its first message. */
  | { readonly kind: 'carry'; readonly channel: MovedChannel }
  /** Both channels go on at the destination; what was under way is lost. */
  | { readonly kind: 'finish' }
  /** Connect anew; `certain`: the guest is at the destination, and no longer at the source. */
  | { readonly kind: 'leave'; readonly certain: boolean };

export interface MigrationStep {
  readonly state: MigrationState;
  readonly effects: readonly MigrationEffect[];
}

export const SETTLED: MigrationState = { kind: 'settled' };
const LINK_PORT: MigrationEffect = { kind: 'link-port' };
const DROP: MigrationEffect = { kind: 'drop-destination' };
const LEFT: MigrationState = { kind: 'left' };
const GONE_THERE: MigrationStep = { state: LEFT, effects: [{ kind: 'leave', certain: true }] };
const GONE_SOMEWHERE: MigrationStep = {
  state: LEFT,
  effects: [{ kind: 'leave', certain: false }],
};

/** A pure step. What a state does not expect changes nothing. */
export function stepMigration(state: MigrationState, input: MigrationInput): MigrationStep {
  if (state.kind === 'left') return stay(state);
  if (input.kind === 'switch-host') return GONE_THERE;
  if (input.kind === 'begin' && state.kind !== 'moving') return begin(state, input.version);
  switch (state.kind) {
    case 'settled':
      return input.kind === 'source-closed' ? GONE_SOMEWHERE : stay(state);
    case 'connecting':
      return whileConnecting(state, input);
    case 'connected':
      return whileConnected(state, input);
    case 'broken':
      return whileBroken(state, input);
    case 'moving':
      return whileMoving(state, input);
  }
}

function begin(state: MigrationState, version: number | undefined): MigrationStep {
  const next: MigrationState = {
    kind: 'connecting',
    seamless: version !== undefined,
    version: version ?? 0,
  };
  const drop = state.kind === 'settled' ? [] : [DROP];
  return { state: next, effects: [...drop, { kind: 'link-main' }] };
}

type State<K extends MigrationState['kind']> = Extract<MigrationState, { kind: K }>;

function whileConnecting(state: State<'connecting'>, input: MigrationInput): MigrationStep {
  if (input.kind === 'main-linked') {
    const { seamless, version } = state;
    return { state, effects: [seamless ? { kind: 'ask-seamless', version } : LINK_PORT] };
  }
  if (input.kind === 'seamless-answer') {
    // A destination that cannot do it takes us the other way; the source is told which it is.
    return { state: { ...state, seamless: input.accepted }, effects: [LINK_PORT] };
  }
  if (input.kind === 'port-linked') {
    const { seamless } = state;
    return {
      state: { kind: 'connected', seamless },
      effects: [{ kind: 'tell-connected', seamless }],
    };
  }
  if (input.kind === 'destination-failed' || input.kind === 'late') {
    return { state: SETTLED, effects: [DROP, { kind: 'tell-failed' }] };
  }
  if (input.kind === 'cancel') return { state: SETTLED, effects: [DROP] };
  if (input.kind === 'end') return GONE_THERE;
  return input.kind === 'source-closed' ? GONE_SOMEWHERE : stay(state);
}

function whileConnected(state: State<'connected'>, input: MigrationInput): MigrationStep {
  if (input.kind === 'end') {
    return state.seamless ? GONE_THERE : { state: SETTLED, effects: [{ kind: 'finish' }] };
  }
  if (input.kind === 'migrate' && state.seamless) {
    return whileMoving({ kind: 'moving', main: 'waiting', port: 'waiting' }, input);
  }
  if (input.kind === 'cancel') return { state: SETTLED, effects: [DROP] };
  if (input.kind === 'destination-failed') return { state: { kind: 'broken' }, effects: [DROP] };
  return input.kind === 'source-closed' ? GONE_SOMEWHERE : stay(state);
}

function whileBroken(state: State<'broken'>, input: MigrationInput): MigrationStep {
  if (input.kind === 'end' || input.kind === 'migrate') return GONE_THERE;
  if (input.kind === 'cancel') return { state: SETTLED, effects: [] };
  return input.kind === 'source-closed' ? GONE_SOMEWHERE : stay(state);
}

function whileMoving(state: State<'moving'>, input: MigrationInput): MigrationStep {
  if (input.kind === 'migrate') return migrateChannel(state, input);
  if (input.kind === 'data') {
    return state[input.channel] === 'data' ? moved(state, input.channel, []) : GONE_THERE;
  }
  if (input.kind === 'source-closed') {
    return state[input.channel] === 'moved' ? stay(state) : GONE_THERE;
  }
  if (input.kind === 'cancel') return GONE_SOMEWHERE;
  const failed =
    input.kind === 'destination-failed' || input.kind === 'late' || input.kind === 'end';
  return failed ? GONE_THERE : stay(state);
}

function migrateChannel(
  state: State<'moving'>,
  { channel, flush, data }: Extract<MigrationInput, { kind: 'migrate' }>,
): MigrationStep {
  if (state[channel] !== 'waiting') return GONE_THERE;
  const before: MigrationEffect[] = [];
  if (channel === 'port') before.push({ kind: 'hold-port' });
  if (flush) before.push({ kind: 'flush-mark', channel });
  return data
    ? { state: { ...state, [channel]: 'data' }, effects: before }
    : moved(state, channel, before);
}

function moved(
  state: State<'moving'>,
  channel: MovedChannel,
  before: readonly MigrationEffect[],
): MigrationStep {
  const next = { ...state, [channel]: 'moved' as const };
  const over = next.main === 'moved' && next.port === 'moved';
  return { state: over ? SETTLED : next, effects: [...before, { kind: 'carry', channel }] };
}

function stay(state: MigrationState): MigrationStep {
  return { state, effects: [] };
}
