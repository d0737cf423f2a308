import { randomUUID } from 'node:crypto';
import { OffhookError } from '@offhook/common';
import type { ServiceParams, ServiceResult } from '../model/services.ts';
import type { AmiFields } from './ami-client.ts';
import { originate } from './call-commands.ts';
import { JOIN_PREFIX, type Channel } from './channel.ts';
import { clear, legOf, onlyFarEnd, redirect, type CommandContext } from './command-context.ts';

export async function join(
  context: CommandContext,
  device: string,
  connection: string,
  mode: string,
): Promise<ServiceResult> {
  const agent = legOf(context, connection);
  const id = `${JOIN_PREFIX}${randomUUID()}`;
  const result = await originate(context, id, device, [
    ['Application', 'ChanSpy'],
    ['Data', `${agent.name},qES${mode}`],
  ]);
  return { ...result, call: agent.call };
}

export async function deflect(
  context: CommandContext,
  connection: string,
  to: string,
): Promise<ServiceResult> {
  const leg = legOf(context, connection);
  await divert(context, leg, 'redirected', context.settings.context, to);
  return {};
}

export async function pickup(
  context: CommandContext,
  { connection, device }: ServiceParams<'directedPickup'>,
): Promise<ServiceResult> {
  const leg = legOf(context, connection);
  await divert(context, leg, 'callPickup', context.settings.contract, `pickup-${device}`);
  return { call: leg.call };
}

/** The caller is sent elsewhere, and what rings stops to. */
async function divert(
  context: CommandContext,
  leg: Channel,
  cause: 'redirected' | 'callPickup',
  where: string,
  exten: string,
): Promise<void> {
  const caller = context.channels
    .inCall(leg.call)
    .find((one) => one.id !== leg.id && one.role === 'calling');
  if (caller === undefined) {
    throw new OffhookError('cti', 'invalid-state', `nobody known calls ${leg.name}`);
  }
  context.channels.expectDivert(leg.id, cause);
  await context.awaiting(
    'the call to go on',
    () => context.channels.byId(leg.id) === undefined || undefined,
    () => redirect(context, caller, where, exten),
  );
}

export async function digits(
  context: CommandContext,
  leg: Channel,
  keys: string,
): Promise<ServiceResult> {
  const far = await onlyFarEnd(context, leg);
  for (const key of keys) {
    const fields: AmiFields = [
      ['Channel', far.name],
      ['Digit', key],
      ['Duration', '120'],
    ];
    await context.ami.request('PlayDTMF', fields, context.signal);
  }
  context.tell([{ kind: 'digits', key: leg.key, digits: keys }]);
  return {};
}

export async function park(context: CommandContext, leg: Channel): Promise<ServiceResult> {
  const far = await onlyFarEnd(context, leg);
  const parkedAt = await context.awaiting(
    'the call to be parked',
    (event) =>
      event?.['Event'] === 'ParkedCall' && event['ParkeeUniqueid'] === far.id
        ? event['ParkingSpace']
        : undefined,
    () => context.ami.request('Park', [['Channel', far.name]], context.signal),
  );
  await clear(context, context.channels.byId(leg.id) === undefined ? [] : [leg]);
  return { parkedAt };
}
