import { OffhookError } from '@offhook/common';
import type { Device, ServiceName } from '@offhook/cti-bridge/client';

interface Ability {
  /** CSTA's service for it; undefined where CSTA has none that the bridge speaks. */
  readonly service: ServiceName | undefined;
  /** As in: the desk phone cannot … */
  readonly words: string;
}

/** What can be asked of a handset, and what it takes at the desk phone. */
export const deskAbilities = {
  dial: { service: 'makeCall', words: 'be made to dial' },
  answer: { service: 'answerCall', words: 'be made to answer' },
  reject: { service: 'clearConnection', words: 'be made to decline' },
  redirect: { service: 'deflectCall', words: 'send a call elsewhere' },
  hangup: { service: 'clearConnection', words: 'be made to hang up' },
  hold: { service: 'holdCall', words: 'be made to hold' },
  resume: { service: 'retrieveCall', words: 'be made to take a call off hold' },
  swap: { service: 'alternateCall', words: 'be made to swap calls' },
  mute: { service: undefined, words: 'be muted from here' },
  record: { service: undefined, words: 'be recorded: its sound is not at the thin client' },
  dtmf: { service: 'generateDigits', words: 'be made to send digits' },
  transfer: { service: 'singleStepTransfer', words: 'hand a call on without asking there first' },
  attended: { service: 'transferCall', words: 'join two calls' },
  join: { service: 'conferenceCall', words: 'be made to hold a conference' },
  leave: { service: undefined, words: 'take a party out of a conference' },
  park: { service: 'parkCall', words: 'park a call' },
  pickup: { service: 'directedPickup', words: 'pick up a call' },
  disturb: { service: 'setDoNotDisturb', words: 'be set to do not disturb' },
  forward: { service: 'setForwarding', words: 'be set to forward' },
} as const satisfies Record<string, Ability>;

export type DeskCommand = keyof typeof deskAbilities;

/** Why the desk phone cannot do that, in a sentence; undefined when it can. */
export function whyNot(device: Device, command: DeskCommand): string | undefined {
  const { service, words }: Ability = deskAbilities[command];
  if (service === undefined) {
    return `the desk phone ${device.id} cannot ${words}: there is no service for that`;
  }
  if (device.capabilities.includes(service)) return undefined;
  return `the desk phone ${device.id} cannot ${words}: ${service} is not among its capabilities`;
}

/** @throws OffhookError `not-supported` (layer `call`) */
export function requireAbility(device: Device, command: DeskCommand): void {
  const reason = whyNot(device, command);
  if (reason === undefined) return;
  throw new OffhookError('call', 'not-supported', reason, {
    remedy: 'do it with its own keys',
    details: { device: device.id, command, service: deskAbilities[command].service },
  });
}

/** Everything that it cannot do, with the reasons. */
export function inabilities(device: Device): { command: DeskCommand; reason: string }[] {
  const commands = Object.keys(deskAbilities) as DeskCommand[];
  return commands.flatMap((command) => {
    const reason = whyNot(device, command);
    return reason === undefined ? [] : [{ command, reason }];
  });
}
