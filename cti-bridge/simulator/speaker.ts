import { connectionIn } from '../src/csta/book.ts';
import { parseXml, textOf, writeXml, type Element as CstaElement } from '../src/csta/xml.ts';
import { id, SimSwitch, type SimContent, type SimEvent, type SimLeg } from './switch.ts';

export const NAMESPACE = 'http://www.ecma-international.org/standards/ecma-323/csta/ed4';

/** The simulated switch as it speaks CSTA-XML: requests come in, responses and events go out. */
export class CstaSpeaker {
  readonly switch: SimSwitch;
  readonly #onEvent: (device: string, xml: string) => void;
  /** Hears every event, monitored or not. */
  onEvent: (event: SimEvent) => void = () => undefined;
  readonly #monitored = new Map<string, string>();

  /** `onEvent`: for the monitor of that device. */
  constructor(names: readonly string[], onEvent: (device: string, xml: string) => void) {
    this.#onEvent = onEvent;
    this.switch = new SimSwitch(names, (event) => this.#tell(event));
  }

  serve(xml: string): string {
    const request = parseXml(xml);
    try {
      return this.#write(`${request.name}Response`, this.#do(request));
    } catch (error) {
      const operation = error instanceof Error ? error.message : String(error);
      return this.#write('CSTAErrorCode', { operation });
    }
  }

  #tell(event: SimEvent): void {
    const { name, content, devices } = event;
    this.onEvent(event);
    for (const device of devices) {
      const monitorCrossRefID = this.#monitored.get(device);
      if (monitorCrossRefID === undefined) continue;
      this.#onEvent(device, this.#write(name, { monitorCrossRefID, ...content }));
    }
  }

  #do(request: CstaElement): SimContent {
    const sim = this.switch;
    const leg = (name: string) => this.#leg(request, name);
    switch (request.name) {
      case 'RequestSystemStatus':
        return { systemStatus: 'normal' };
      case 'MonitorStart': {
        const device = textOf(request, 'monitorObject', 'deviceObject') ?? '';
        this.#phone(device);
        this.#monitored.set(device, `m-${device}`);
        return { monitorCrossRefID: `m-${device}` };
      }
      case 'SnapshotDevice': {
        const phone = this.#phone(textOf(request, 'snapshotObject') ?? '');
        const snapshotDeviceResponseInfo = phone.legs.map((one) => ({
          connectionIdentifier: id(one),
          localCallState: { compoundCallState: { localConnectionState: one.now } },
        }));
        return { crossRefIDorSnapshotData: { snapshotData: { snapshotDeviceResponseInfo } } };
      }
      case 'MakeCall': {
        const phone = this.#phone(textOf(request, 'callingDevice') ?? '');
        const made = sim.dial(phone, textOf(request, 'calledDirectoryNumber') ?? '');
        return { callingDevice: id(made) };
      }
      case 'AnswerCall':
        sim.answer(leg('callToBeAnswered'));
        return {};
      case 'ClearConnection':
        sim.clear(leg('connectionToBeCleared'));
        return {};
      case 'HoldCall':
        sim.hold(leg('callToBeHeld'));
        return {};
      case 'RetrieveCall':
        sim.retrieve(leg('callToBeRetrieved'));
        return {};
      case 'AlternateCall':
        sim.hold(leg('activeCall'));
        sim.retrieve(leg('heldCall'));
        return {};
      case 'ReconnectCall':
        sim.clear(leg('activeCall'));
        sim.retrieve(leg('heldCall'));
        return {};
      case 'ConsultationCall': {
        const existing = leg('existingCall');
        sim.hold(existing);
        const to = textOf(request, 'consultedDevice') ?? '';
        return { initiatedCall: id(sim.dial(this.#phone(existing.device), to, 'consultation')) };
      }
      case 'TransferCall':
        sim.transfer(leg('heldCall'), leg('activeCall'));
        return {};
      case 'ConferenceCall':
        sim.conference(leg('heldCall'), leg('activeCall'));
        return {};
      case 'SingleStepTransferCall':
        sim.transferTo(leg('activeCall'), textOf(request, 'transferredTo') ?? '');
        return {};
      case 'DeflectCall':
        sim.divert(leg('callToBeDiverted'), textOf(request, 'newDestination') ?? '', 'redirected');
        return {};
      case 'DirectedPickupCall': {
        const to = textOf(request, 'requestingDevice') ?? '';
        const taken = sim.divert(leg('callToBePickedUp'), to, 'callPickup');
        if (taken !== undefined) sim.answer(taken);
        return {};
      }
      case 'GenerateDigits':
        sim.digits(leg('connectionToSendDigits'), textOf(request, 'charactersToSend') ?? '');
        return {};
      default:
        return this.#feature(request);
    }
  }

  #feature(request: CstaElement): SimContent {
    const phone = this.#phone(textOf(request, 'device') ?? '');
    switch (request.name) {
      case 'SetDoNotDisturb': {
        const doNotDisturbOn = textOf(request, 'doNotDisturbOn') ?? '';
        phone.doNotDisturb = doNotDisturbOn === 'true';
        this.switch.feature('DoNotDisturbEvent', phone.name, { doNotDisturbOn });
        return {};
      }
      case 'SetMessageWaitingIndicator': {
        const messageWaitingOn = textOf(request, 'messageWaitingOn') ?? '';
        phone.messageWaiting = messageWaitingOn === 'true';
        this.switch.feature('MessageWaitingEvent', phone.name, { messageWaitingOn });
        return {};
      }
      case 'SetForwarding': {
        const forwardStatus = textOf(request, 'activateForward') ?? '';
        const forwardTo = textOf(request, 'forwardDN') ?? '';
        phone.forwardedTo = forwardStatus === 'true' ? forwardTo : undefined;
        const forwardingType = textOf(request, 'forwardingType') ?? '';
        const content = { forwardingType, forwardStatus, forwardTo };
        this.switch.feature('ForwardingEvent', phone.name, content);
        return {};
      }
      default:
        throw new Error('serviceNotSupported');
    }
  }

  #leg(request: CstaElement, name: string): SimLeg {
    const named = connectionIn(request, name);
    const leg = named === undefined ? undefined : this.switch.leg(named.callID, named.deviceID);
    if (leg === undefined) throw new Error('invalidConnectionIdentifier');
    return leg;
  }

  #phone(name: string) {
    const phone = this.switch.phones[name];
    if (phone === undefined) throw new Error('invalidDeviceIdentifier');
    return phone;
  }

  #write(name: string, content: SimContent): string {
    return writeXml(name, content, NAMESPACE);
  }
}
