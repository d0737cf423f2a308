import { OffhookError } from '@offhook/common';
import type { Abilities } from './abilities.ts';
import type { AmiClient } from './ami-client.ts';
import type { AmiPacket } from './ami-packet.ts';

/** Everything that the tables are filled from after a connect. */
export interface Listings {
  readonly channels: readonly AmiPacket[];
  readonly endpoints: readonly AmiPacket[];
  readonly queues: readonly AmiPacket[];
  readonly database: readonly AmiPacket[];
}

/**
 * What that Asterisk can do: by the manager's commands that this user may use, and by whether the
 * contract's context is there. ChanSpy is an application and has no command.
 */
export async function detectAbilities(
  ami: AmiClient,
  contract: string,
  signal: AbortSignal,
): Promise<Abilities> {
  const commands = await ami.request('ListCommands', [], signal);
  const plan = await optional(ami.list('ShowDialPlan', [['Context', contract]], signal));
  return {
    contract: plan.some((row) => row['Extension'] === 'held'),
    park: 'Park' in commands,
    queue: 'QueueAdd' in commands,
    conference: 'ConfbridgeList' in commands,
    digits: 'PlayDTMF' in commands,
    notify: 'PJSIPNotify' in commands,
    spy: await succeeds(ami.request('ModuleCheck', [['Module', 'app_chanspy']], signal)),
  };
}

export async function load(ami: AmiClient, signal: AbortSignal): Promise<Listings> {
  return {
    endpoints: await ami.list('PJSIPShowEndpoints', [], signal),
    queues: await optional(ami.list('QueueStatus', [], signal)),
    database: await optional(ami.list('DBGetTree', [['Family', 'offhook']], signal)),
    channels: await ami.list('CoreShowChannels', [], signal),
  };
}

/** A list of something that this Asterisk does not have is empty. */
async function optional(rows: Promise<AmiPacket[]>): Promise<AmiPacket[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof OffhookError && error.code === 'pbx-refused') return [];
    throw error;
  }
}

async function succeeds(answer: Promise<unknown>): Promise<boolean> {
  return (await optional(answer.then((): AmiPacket[] => [{}]))).length > 0;
}
