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
  const [commands, plan, spy] = await Promise.all([
    ami.request('ListCommands', [], signal),
    optional(ami.list('ShowDialPlan', [['Context', contract]], signal)),
    succeeds(ami.request('ModuleCheck', [['Module', 'app_chanspy']], signal)),
  ]);
  return {
    contract: plan.some((row) => row['Extension'] === 'held'),
    park: 'Park' in commands,
    queue: 'QueueAdd' in commands,
    conference: 'ConfbridgeList' in commands,
    digits: 'PlayDTMF' in commands,
    notify: 'PJSIPNotify' in commands,
    spy,
  };
}

/** Asked for all at once; a manager connection answers in the order of the questions. */
export async function load(ami: AmiClient, signal: AbortSignal): Promise<Listings> {
  const [endpoints, queues, database, channels] = await Promise.all([
    ami.list('PJSIPShowEndpoints', [], signal),
    optional(ami.list('QueueStatus', [], signal)),
    optional(ami.list('DBGetTree', [['Family', 'offhook']], signal)),
    ami.list('CoreShowChannels', [], signal),
  ]);
  return { endpoints, queues, database, channels };
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
