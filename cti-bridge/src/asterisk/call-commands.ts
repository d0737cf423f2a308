import { randomUUID } from 'node:crypto';
import { OffhookError } from '@offhook/common';
import type { ServiceResult } from '../model/services.ts';
import type { AmiFields } from './ami-client.ts';
import { isHeldHere, isWaiting, MAKE_PREFIX, type Channel } from './channel.ts';
import {
  bridge,
  clear,
  goneOr,
  notify,
  onlyFarEnd,
  redirect,
  type CommandContext,
} from './command-context.ts';

export async function makeCall(context: CommandContext, device: string, to: string) {
  const id = `${MAKE_PREFIX}${randomUUID()}`;
  return originate(context, id, device, [
    ['Context', context.settings.context],
    ['Exten', to],
    ['Priority', '1'],
    ['CallerID', `"${to}" <${device}>`],
  ]);
}

/** Calls a phone, and what is to follow; the channel's id is chosen here, so that it is known at once. */
export async function originate(
  context: CommandContext,
  id: string,
  device: string,
  fields: AmiFields,
): Promise<ServiceResult> {
  const { settings, channels, ami, signal } = context;
  const [header = '', value = ''] = settings.auto_answer_header.split(/: (.*)/);
  const channel = await context.awaiting(
    `${device} to be called`,
    (event) => {
      if (event?.['Event'] === 'OriginateResponse' && event['Response'] === 'Failure') {
        if (event['Uniqueid'] === id || event['Channel'] === `PJSIP/${device}`) {
          throw new OffhookError('cti', 'out-of-service', `${device} cannot be called`);
        }
      }
      return channels.byId(id);
    },
    () =>
      ami.request(
        'Originate',
        [
          ['Channel', `PJSIP/${device}`],
          ...fields,
          ['Async', 'true'],
          ['ChannelId', id],
          ['Timeout', '30000'],
          ['Variable', `PJSIP_HEADER(add,${header})=${value}`],
        ],
        signal,
      ),
  );
  return { call: channel.call, connection: channel.key };
}

export async function answer(context: CommandContext, leg: Channel): Promise<ServiceResult> {
  await context.awaiting(
    `${leg.device ?? 'the phone'} to answer`,
    () => goneOr(context, leg, (now) => now.state === 6),
    () => notify(context, leg, 'talk'),
  );
  return {};
}

export async function hold(context: CommandContext, leg: Channel): Promise<ServiceResult> {
  if (context.remoteControl(leg.device ?? '')) {
    await context.awaiting(
      `${leg.device ?? 'the phone'} to hold`,
      () => goneOr(context, leg, (now) => now.phoneHeld),
      () => notify(context, leg, 'hold'),
    );
    return {};
  }
  const far = await onlyFarEnd(context, leg);
  const { contract } = context.settings;
  await context.awaiting(
    'the switch to hold',
    () =>
      goneOr(context, leg, (now) => isHeldHere(now, contract)) &&
      goneOr(context, far, (now) => isWaiting(now, contract)),
    () =>
      context.ami.request(
        'Redirect',
        [
          ['Channel', leg.name],
          ['Context', contract],
          ['Exten', 'held'],
          ['Priority', '1'],
          ['ExtraChannel', far.name],
          ['ExtraContext', contract],
          ['ExtraExten', 'waiting'],
          ['ExtraPriority', '1'],
        ],
        context.signal,
      ),
  );
  return {};
}

export async function retrieve(context: CommandContext, leg: Channel): Promise<ServiceResult> {
  if (leg.phoneHeld) {
    if (!context.remoteControl(leg.device ?? '')) {
      throw new OffhookError('cti', 'not-supported', `${leg.device ?? leg.name} holds by itself`, {
        remedy: 'take the call back at the phone',
      });
    }
    await context.awaiting(
      `${leg.device ?? 'the phone'} to retrieve`,
      () => goneOr(context, leg, (now) => !now.phoneHeld),
      () => notify(context, leg, 'talk'),
    );
    return {};
  }
  await bridge(context, leg, await onlyFarEnd(context, leg));
  return {};
}

export async function transfer(
  context: CommandContext,
  held: Channel,
  active: Channel,
): Promise<ServiceResult> {
  const first = await onlyFarEnd(context, held);
  const second = await onlyFarEnd(context, active);
  context.channels.expectMerge(held.call, { reason: 'transfer', by: held.device });
  await bridge(context, first, second);
  await clear(
    context,
    [held, active].filter(({ id }) => context.channels.byId(id) !== undefined),
  );
  return {};
}

export async function blindTransfer(
  context: CommandContext,
  leg: Channel,
  to: string,
): Promise<ServiceResult> {
  if (leg.bridge !== undefined) {
    await context.awaiting(
      'the transfer',
      () => context.channels.byId(leg.id)?.bridge === undefined || undefined,
      () =>
        context.ami.request(
          'BlindTransfer',
          [
            ['Channel', leg.name],
            ['Context', context.settings.context],
            ['Exten', to],
          ],
          context.signal,
        ),
    );
  } else {
    await redirect(context, await onlyFarEnd(context, leg), context.settings.context, to);
    context.tell([{ kind: 'transferred', call: leg.call, by: leg.device }]);
  }
  await clear(context, context.channels.byId(leg.id) === undefined ? [] : [leg]);
  return {};
}

export async function conference(
  context: CommandContext,
  held: Channel,
  active: Channel,
): Promise<ServiceResult> {
  const far = [await onlyFarEnd(context, held), await onlyFarEnd(context, active)];
  const room = `room-${randomUUID()}`;
  context.channels.expectMerge(held.call, { reason: 'conference', by: held.device });
  const together = [...far, active];
  await context.awaiting(
    'the conference',
    () => {
      const bridges = new Set(together.map(({ id }) => context.channels.byId(id)?.bridge));
      return (bridges.size === 1 && !bridges.has(undefined)) || undefined;
    },
    async () => {
      const [first, second] = far;
      if (first === undefined || second === undefined) return;
      const { contract } = context.settings;
      await context.ami.request(
        'Redirect',
        [
          ['Channel', active.name],
          ['Context', contract],
          ['Exten', room],
          ['Priority', '1'],
          ['ExtraChannel', second.name],
          ['ExtraContext', contract],
          ['ExtraExten', room],
          ['ExtraPriority', '1'],
        ],
        context.signal,
      );
      await redirect(context, first, contract, room);
    },
  );
  await clear(context, context.channels.byId(held.id) === undefined ? [] : [held]);
  return { call: held.call };
}
