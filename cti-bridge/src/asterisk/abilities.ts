import type { ServiceName } from '../model/terms.ts';

/** What an Asterisk was found to have. */
export interface Abilities {
  readonly contract: boolean;
  readonly park: boolean;
  readonly queue: boolean;
  readonly spy: boolean;
  readonly conference: boolean;
  readonly digits: boolean;
  readonly notify: boolean;
}

export const NO_ABILITIES: Abilities = {
  contract: false,
  park: false,
  queue: false,
  spy: false,
  conference: false,
  digits: false,
  notify: false,
};

const ALWAYS: readonly ServiceName[] = [
  'makeCall',
  'clearConnection',
  'clearCall',
  'singleStepTransfer',
  'deflectCall',
];

/** The services of a phone at that Asterisk. */
export function capabilitiesOf(have: Abilities, remoteControl: boolean): readonly ServiceName[] {
  const remote = remoteControl && have.notify;
  const able: readonly (readonly [boolean, readonly ServiceName[]])[] = [
    [true, ALWAYS],
    // The far ends are the switch's to connect, whoever put them on hold.
    [remote || have.contract, ['holdCall', 'retrieveCall', 'transferCall']],
    // A phone whose second line is taken holds the first one by itself, and only its user, or
    // `Event: talk`, can take that back.
    [remote, ['answerCall', 'alternateCall', 'reconnectCall', 'consultationCall']],
    [have.contract, ['directedPickup', 'setDoNotDisturb', 'setForwarding']],
    [have.contract && have.conference, ['conferenceCall']],
    [have.notify, ['setMessageWaiting']],
    [have.digits, ['generateDigits']],
    [have.park, ['parkCall']],
    [have.queue, ['setAgentState']],
    [have.spy, ['silentMonitor', 'whisper', 'bargeIn']],
  ];
  return able.flatMap(([is, services]) => (is ? services : []));
}
