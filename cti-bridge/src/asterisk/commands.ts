import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import {
  answer,
  blindTransfer,
  conference,
  hold,
  makeCall,
  retrieve,
  transfer,
} from './call-commands.ts';
import { clear, legOf, type CommandContext } from './command-context.ts';
import { agentState, feature, messageWaiting } from './device-commands.ts';
import { DND_KEY, FORWARDING_KEYS } from './device-table.ts';
import { deflect, digits, join, park, pickup } from './party-commands.ts';

/** What each service is in Asterisk's own actions. The preconditions of the model hold. */
export async function perform(
  request: ServiceRequest,
  context: CommandContext,
): Promise<ServiceResult> {
  const { service, params } = request;
  switch (service) {
    case 'makeCall':
      return makeCall(context, params.device, params.to);
    case 'answerCall':
      return answer(context, legOf(context, params.connection));
    case 'clearConnection':
      return clear(context, [legOf(context, params.connection)]);
    case 'clearCall':
      return clear(context, context.channels.inCall(params.call));
    case 'holdCall':
      return hold(context, legOf(context, params.connection));
    case 'retrieveCall':
      return retrieve(context, legOf(context, params.connection));
    case 'alternateCall': {
      const held = legOf(context, params.held);
      await hold(context, legOf(context, params.active));
      return retrieve(context, held);
    }
    case 'reconnectCall': {
      const held = legOf(context, params.held);
      const { call } = legOf(context, params.active);
      await clear(context, context.channels.inCall(call));
      return retrieve(context, held);
    }
    case 'consultationCall': {
      const leg = legOf(context, params.connection);
      await hold(context, leg);
      return makeCall(context, leg.device ?? '', params.to);
    }
    case 'transferCall':
      return transfer(context, legOf(context, params.held), legOf(context, params.active));
    case 'singleStepTransfer':
      return blindTransfer(context, legOf(context, params.connection), params.to);
    case 'deflectCall':
      return deflect(context, params.connection, params.to);
    case 'directedPickup':
      return pickup(context, params);
    case 'conferenceCall':
      return conference(context, legOf(context, params.held), legOf(context, params.active));
    case 'generateDigits':
      return digits(context, legOf(context, params.connection), params.digits);
    case 'setDoNotDisturb':
      return feature(context, params.device, DND_KEY, params.on ? '1' : undefined);
    case 'setForwarding':
      return feature(context, params.device, FORWARDING_KEYS[params.type], params.to ?? undefined);
    case 'setMessageWaiting':
      return messageWaiting(context, params.device, params.on);
    case 'parkCall':
      return park(context, legOf(context, params.connection));
    case 'setAgentState':
      return agentState(context, params);
    case 'silentMonitor':
      return join(context, params.device, params.connection, '');
    case 'whisper':
      return join(context, params.device, params.connection, 'w');
    case 'bargeIn':
      return join(context, params.device, params.connection, 'B');
    default:
      return request satisfies never;
  }
}
