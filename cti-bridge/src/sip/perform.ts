import { OffhookError } from '@offhook/common';
import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { Attempt } from '../adapter/attempts.ts';
import type { DialogBook, Leg } from './dialog-book.ts';
import { replacing, type PhoneRequests } from './phone-requests.ts';

/** What a service needs. */
export interface Tools {
  readonly book: DialogBook;
  readonly phones: PhoneRequests;
  readonly signal: AbortSignal;
  readonly uriOf: (device: string) => string;
  readonly uriFor: (number: string) => string;
  readonly until: <T>(attempt: Attempt<T>) => Promise<T>;
  readonly tell: (facts: readonly Fact[]) => void;
}

/** Has phones do it, and waits until their events say that it is done. */
export async function perform(request: ServiceRequest, tools: Tools): Promise<ServiceResult> {
  const { service, params } = request;
  switch (service) {
    case 'makeCall':
      return dial(tools, params.device, params.to);
    case 'answerCall':
    case 'retrieveCall':
      await talk(tools, params.connection);
      return {};
    case 'holdCall':
      await hold(tools, params.connection);
      return {};
    case 'clearConnection':
      await clear(tools, legOf(tools, params.connection));
      return {};
    case 'clearCall': {
      const legs = tools.book.legs().filter(({ fact }) => fact.call === params.call);
      await Promise.all(legs.map((leg) => clear(tools, leg)));
      return {};
    }
    case 'alternateCall':
      await hold(tools, params.active);
      await talk(tools, params.held);
      return {};
    case 'reconnectCall':
      await clear(tools, legOf(tools, params.active));
      await talk(tools, params.held);
      return {};
    case 'consultationCall': {
      const { device } = legOf(tools, params.connection);
      await hold(tools, params.connection);
      return dial(tools, device, params.to);
    }
    case 'transferCall':
      await transfer(tools, legOf(tools, params.held), legOf(tools, params.active));
      return {};
    case 'singleStepTransfer': {
      const leg = legOf(tools, params.connection);
      const far = tools.book.partner(leg)?.device;
      const before = dialogsOf(tools, far).length;
      await handOver(tools, leg, tools.uriFor(params.to));
      // The far end calls; nobody has answered yet, and nothing is known of one that is not watched.
      await tools.until(
        () => far === undefined || dialogsOf(tools, far).length > before || undefined,
      );
      return {};
    }
    case 'directedPickup':
      await pickUp(tools, legOf(tools, params.connection), params.device);
      return {};
    case 'setMessageWaiting': {
      const { device, on } = params;
      await tools.phones.messageWaiting(tools.uriOf(device), on, tools.signal);
      tools.tell(tools.book.setDevice(device, { messageWaiting: on }));
      return {};
    }
    case 'deflectCall':
    case 'conferenceCall':
    case 'generateDigits':
    case 'setDoNotDisturb':
    case 'setForwarding':
    case 'parkCall':
    case 'setAgentState':
    case 'silentMonitor':
    case 'whisper':
    case 'bargeIn':
      throw new OffhookError('cti', 'not-supported', `phones have no SIP request for ${service}`);
    default:
      return request satisfies never;
  }
}

function legOf({ book }: Tools, key: string): Leg {
  const leg = book.leg(key);
  if (leg !== undefined) return leg;
  throw new OffhookError('cti', 'no-such-connection', `there is no connection ${key}`);
}

async function dial(tools: Tools, device: string, to: string): Promise<ServiceResult> {
  const before = new Set(tools.book.legsOf(device).map(({ key }) => key));
  await tools.phones.refer(tools.uriOf(device), tools.uriFor(to), tools.signal);
  const { key, fact } = await tools.until(() =>
    tools.book
      .legsOf(device)
      .find((leg) => !before.has(leg.key) && leg.dialog.direction !== 'recipient'),
  );
  return { call: fact.call, connection: key };
}

async function talk(tools: Tools, key: string): Promise<void> {
  const { device, dialog } = legOf(tools, key);
  await tools.phones.notify(tools.uriOf(device), 'talk', dialog, tools.signal);
  await inState(tools, key, 'connected');
}

async function hold(tools: Tools, key: string): Promise<void> {
  const { device, dialog } = legOf(tools, key);
  await tools.phones.notify(tools.uriOf(device), 'hold', dialog, tools.signal);
  await inState(tools, key, 'hold');
}

async function clear(tools: Tools, { key, device, dialog }: Leg): Promise<void> {
  const uri = tools.uriOf(device);
  // `method=BYE`: the phone is to end the dialog that Target-Dialog names (RFC 4579 §5.10).
  await tools.phones.refer(uri, `${uri};method=BYE`, tools.signal, {
    dialog,
    by: uri,
  });
  await gone(tools, key);
}

/** The far end of the held call is to call that of the other one, in its place there. */
async function transfer(tools: Tools, held: Leg, active: Leg): Promise<void> {
  const far = tools.book.partner(active);
  const theirs = far?.dialog ?? mirrored(active);
  const uri = far === undefined ? active.dialog.remoteTarget : tools.uriOf(far.device);
  if (uri === undefined) throw unknownFarEnd(active);
  await handOver(tools, held, replacing(uri, theirs));
  await Promise.all([gone(tools, held.key), gone(tools, active.key)]);
}

/** The far end of a call is to call somebody else instead. */
async function handOver(tools: Tools, leg: Leg, to: string): Promise<void> {
  const far = tools.book.partner(leg);
  const uri = far === undefined ? leg.dialog.remoteTarget : tools.uriOf(far.device);
  if (uri === undefined) throw unknownFarEnd(leg);
  const dialog = far?.dialog ?? mirrored(leg);
  await tools.phones.refer(uri, to, tools.signal, { dialog, by: tools.uriOf(leg.device) });
}

function dialogsOf({ book }: Tools, device: string | undefined) {
  return (device === undefined ? undefined : book.table(device)?.dialogs) ?? [];
}

/** The device is to call the caller, in the place of the phone that rings (RFC 3891 §3). */
async function pickUp(tools: Tools, ringing: Leg, device: string): Promise<void> {
  const caller = tools.book.partner(ringing);
  const uri = caller === undefined ? ringing.dialog.remoteTarget : tools.uriOf(caller.device);
  if (uri === undefined) throw unknownFarEnd(ringing);
  // Who rings has both tags already; the caller may not have heard of it yet.
  const theirs = mirrored(ringing);
  tools.book.pickUp(ringing, device);
  try {
    await tools.phones.refer(tools.uriOf(device), replacing(uri, theirs, true), tools.signal);
    await gone(tools, ringing.key);
  } catch (error) {
    tools.book.notPickedUp(ringing, device);
    throw error;
  }
}

/** The dialog as its other side has it. */
function mirrored({ dialog: { callId, localTag, remoteTag } }: Leg) {
  return { callId, localTag: remoteTag, remoteTag: localTag };
}

function unknownFarEnd({ device }: Leg): OffhookError {
  const why = `${device} does not tell where the far end of the call is`;
  return new OffhookError('cti', 'not-supported', why);
}

async function inState(tools: Tools, key: string, state: 'connected' | 'hold'): Promise<void> {
  await tools.until(() => (tools.book.leg(key)?.fact.state === state ? true : undefined));
}

async function gone(tools: Tools, key: string): Promise<void> {
  await tools.until(() => (tools.book.leg(key) === undefined ? true : undefined));
}
