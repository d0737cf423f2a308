import { setTimeout as delay } from 'node:timers/promises';
import { OffhookError } from '@offhook/common';
import type { Fact } from '../model/facts.ts';
import type { ServiceResult } from '../model/services.ts';
import type { AmiClient, AmiFields } from './ami-client.ts';
import type { AmiPacket } from './ami-packet.ts';
import { isWaiting, type Channel } from './channel.ts';
import type { ChannelTable } from './channel-table.ts';
import type { DeviceTable } from './device-table.ts';
import type { AsteriskSettings } from './settings.ts';

export interface CommandContext {
  readonly ami: AmiClient;
  readonly channels: ChannelTable;
  readonly devices: DeviceTable;
  readonly settings: AsteriskSettings;
  readonly signal: AbortSignal;
  /** Whether the phone obeys `Event: talk` and `Event: hold`. */
  readonly remoteControl: (device: string) => boolean;
  readonly tell: (facts: readonly Fact[]) => void;
  /**
   * Runs `work`, and waits until `look` gives something, looking again after every event; rejects
   * with `timeout` when it never does.
   */
  readonly awaiting: <T>(
    what: string,
    look: (event: AmiPacket | undefined) => T | undefined,
    work: () => Promise<unknown>,
    ms?: number,
  ) => Promise<T>;
}

export async function clear(
  context: CommandContext,
  legs: readonly Channel[],
): Promise<ServiceResult> {
  for (const leg of legs) {
    // A phone that rings declines; everybody else is done.
    const cause = leg.state === 5 ? '21' : '16';
    await context.awaiting(
      `the end of ${leg.name}`,
      () => context.channels.byId(leg.id) === undefined || undefined,
      async () => {
        try {
          await context.ami.request(
            'Hangup',
            [
              ['Channel', leg.name],
              ['Cause', cause],
            ],
            context.signal,
          );
        } catch (error) {
          // It went by itself meanwhile, as its partner did; the event of that is on its way.
          if (!(error instanceof OffhookError && /No such channel/.test(error.message)))
            throw error;
        }
      },
    );
  }
  return {};
}

/** A channel that Asterisk is about to move cannot be bridged in that moment. */
const BRIDGE_TRIES = 10;
const BRIDGE_AGAIN_MS = 50;

export async function bridge(context: CommandContext, one: Channel, other: Channel): Promise<void> {
  await context.awaiting(
    'the switch to connect',
    () => goneOr(context, one, (now) => now.bridge !== undefined && now.bridge === other.bridge),
    () => askToBridge(context, one, other, BRIDGE_TRIES),
  );
}

async function askToBridge(
  context: CommandContext,
  one: Channel,
  other: Channel,
  tries: number,
): Promise<void> {
  const { ami, signal } = context;
  try {
    await ami.request(
      'Bridge',
      [
        ['Channel1', one.name],
        ['Channel2', other.name],
        ['Tone', 'no'],
      ],
      signal,
    );
  } catch (error) {
    const moving = error instanceof OffhookError && /Unable to add Channel/.test(error.message);
    if (!moving || tries <= 1) throw error;
    await delay(BRIDGE_AGAIN_MS, undefined, { signal });
    await askToBridge(context, one, other, tries - 1);
  }
}

export async function redirect(
  context: CommandContext,
  channel: Channel,
  where: string,
  exten: string,
): Promise<void> {
  await context.ami.request(
    'Redirect',
    [
      ['Channel', channel.name],
      ['Context', where],
      ['Exten', exten],
      ['Priority', '1'],
    ],
    context.signal,
  );
}

export function notify({ ami, signal }: CommandContext, leg: Channel, event: 'talk' | 'hold') {
  const fields: AmiFields = [
    ['Channel', leg.name],
    ['Variable', `Event=${event}`],
  ];
  return ami.request('PJSIPNotify', fields, signal);
}

/** True once it is so, or when the channel is gone: that it will never be is then told elsewhere. */
export function goneOr(
  context: CommandContext,
  channel: Channel,
  is: (now: Channel) => boolean,
): true | undefined {
  const now = context.channels.byId(channel.id);
  if (now === undefined) {
    throw new OffhookError('cti', 'no-such-connection', `${channel.name} is gone`);
  }
  return is(now) || undefined;
}

export function legOf(context: CommandContext, connection: string): Channel {
  const channel = context.channels.byKey(connection);
  if (channel !== undefined) return channel;
  throw new OffhookError('cti', 'no-such-connection', `there is no connection ${connection}`);
}

/** How long a call may take from both having answered to both being in one bridge. */
const BRIDGING_MS = 1000;

/**
 * The one other party; in a conference there is no such thing.
 *
 * @throws OffhookError `cti` `invalid-state`
 */
export async function onlyFarEnd(context: CommandContext, leg: Channel): Promise<Channel> {
  const [far, ...more] = farEnds(context, leg);
  if (more.length > 0) throw noFarEnd(`${leg.name} is in a conference`);
  if (far !== undefined) return far;
  try {
    const look = () => farEnds(context, goneOrSame(context, leg))[0];
    const nothing = () => Promise.resolve();
    return await context.awaiting('the call to be connected', look, nothing, BRIDGING_MS);
  } catch {
    throw noFarEnd(`nobody else is connected with ${leg.name}`);
  }
}

function farEnds({ channels, settings }: CommandContext, leg: Channel): readonly Channel[] {
  const together = leg.bridge === undefined ? [] : channels.inBridge(leg.bridge);
  const bridged = together.filter(({ id }) => id !== leg.id);
  if (bridged.length > 0) return bridged;
  return channels.inCall(leg.call).filter((one) => isWaiting(one, settings.contract));
}

function goneOrSame(context: CommandContext, leg: Channel): Channel {
  goneOr(context, leg, () => true);
  return leg;
}

function noFarEnd(message: string): OffhookError {
  return new OffhookError('cti', 'invalid-state', message);
}
