import { OffhookError } from '@offhook/common';
import type { ServiceParams, ServiceResult } from '../model/services.ts';
import type { AmiFields } from './ami-client.ts';
import type { CommandContext } from './command-context.ts';
import { MWI_KEY, queueName, WRAP_UP_REASON } from './device-table.ts';

export async function feature(
  context: CommandContext,
  device: string,
  key: string,
  value: string | undefined,
): Promise<ServiceResult> {
  const where: AmiFields = [
    ['Family', `offhook/${device}`],
    ['Key', key],
  ];
  if (value !== undefined) {
    await context.ami.request('DBPut', [...where, ['Val', value]], context.signal);
  } else {
    await context.ami.request('DBDel', where, context.signal).catch((error: unknown) => {
      // It was not set before either.
      if (!(error instanceof OffhookError && /not found/i.test(error.message))) throw error;
    });
  }
  context.tell(context.devices.feature(device, key, value));
  return {};
}

/** An unsolicited message summary (RFC 3842), which phones take without a mailbox at the PBX. */
export async function messageWaiting(
  context: CommandContext,
  device: string,
  on: boolean,
): Promise<ServiceResult> {
  await context.ami.request(
    'PJSIPNotify',
    [
      ['Endpoint', device],
      ['Variable', 'Event=message-summary'],
      ['Variable', 'Content-type=application/simple-message-summary'],
      ['Variable', `Content=Messages-Waiting: ${on ? 'yes' : 'no'}`],
    ],
    context.signal,
  );
  return feature(context, device, MWI_KEY, on ? '1' : undefined);
}

export async function agentState(
  { ami, devices, signal }: CommandContext,
  { device, queue, state, reason }: ServiceParams<'setAgentState'>,
): Promise<ServiceResult> {
  const name = queueName(queue);
  if (name === undefined) {
    throw new OffhookError('cti', 'no-such-device', `${queue} is not a queue`);
  }
  const member: AmiFields = [
    ['Queue', name],
    ['Interface', `PJSIP/${device}`],
  ];
  const loggedOn = devices.memberOf(device, queue);
  if (state === 'loggedOff') {
    if (loggedOn) await ami.request('QueueRemove', member, signal);
    return {};
  }
  if (!loggedOn) await ami.request('QueueAdd', [...member, ['Paused', 'false']], signal);
  const why = state === 'wrapUp' ? WRAP_UP_REASON : (reason ?? '');
  const paused = state === 'ready' ? 'false' : 'true';
  await ami.request('QueuePause', [...member, ['Paused', paused], ['Reason', why]], signal);
  return {};
}
