import { asteriskScenarios } from '../interop/asterisk-scenarios.ts';
import { accountScenarios } from '../interop/account-scenarios.ts';
import { doctorScenarios } from '../interop/doctor-scenarios.ts';
import { setupScenarios } from '../interop/setup-scenarios.ts';
import { asteriskPresence } from '../interop/asterisk-presence.ts';
import { asteriskTransfers } from '../interop/asterisk-transfers.ts';
import { baresipScenarios } from '../interop/baresip-scenarios.ts';
import { kamailioScenarios } from '../interop/kamailio-scenarios.ts';
import { linphoneScenarios } from '../interop/linphone-scenarios.ts';
import { natScenarios } from '../interop/nat-scenarios.ts';
import { pulseScenarios } from '../interop/pulse-scenarios.ts';
import type { Scenario } from '../runner/scenario.ts';
import { authentication } from './authentication.ts';
import { cancelling } from './cancel.ts';
import { changes } from './changes.ts';
import { comfortNoise } from './comfort-noise.ts';
import { conferences } from './conference.ts';
import { commandLine } from './command-line.ts';
import { dns } from './dns.ts';
import { engines } from './engine.ts';
import { incoming } from './incoming.ts';
import { media } from './media.ts';
import { numbers } from './numbers.ts';
import { offers } from './offers.ts';
import { outgoing } from './outgoing.ts';
import { presence } from './presence.ts';
import { refusals } from './refusals.ts';
import { recordings } from './recording.ts';
import { registration } from './registration.ts';
import { repetition } from './repetition.ts';
import { sessionTimers } from './session-timers.ts';
import { srtp } from './srtp.ts';
import { support } from './support.ts';
import { tortures } from './torture.ts';
import { transfers } from './transfers.ts';

export const scenarios: readonly Scenario[] = [
  ...outgoing,
  ...numbers,
  ...cancelling,
  ...refusals,
  ...authentication,
  ...registration,
  ...incoming,
  ...offers,
  ...changes,
  ...repetition,
  ...sessionTimers,
  ...media,
  ...comfortNoise,
  ...conferences,
  ...recordings,
  ...srtp,
  ...support,
  ...tortures,
  ...transfers,
  ...presence,
  ...dns,
  ...engines,
  ...commandLine,
  ...natScenarios,
  ...asteriskScenarios,
  ...setupScenarios,
  ...doctorScenarios,
  ...accountScenarios,
  ...asteriskTransfers,
  ...asteriskPresence,
  ...kamailioScenarios,
  ...baresipScenarios,
  ...linphoneScenarios,
  ...pulseScenarios,
];
