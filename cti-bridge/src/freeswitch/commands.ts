import { randomUUID } from 'node:crypto';
import { OffhookError } from '@offhook/common';
import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { ChannelBook, FsChannel, Made } from './channel-book.ts';
import type { EslClient } from './esl-client.ts';
import type { FreeSwitchSettings } from './settings.ts';

export interface CommandContext {
  readonly esl: EslClient;
  readonly book: ChannelBook;
  readonly settings: FreeSwitchSettings;
  readonly signal: AbortSignal;
  /** Waits until `look` gives something, looking after every event. */
  readonly until: <T>(look: () => T | undefined) => Promise<T>;
  readonly tell: (facts: readonly Fact[]) => void;
  readonly setMessageWaiting: (device: string, on: boolean) => void;
}

/** Each service as FreeSWITCH's API has it (mod_commands). */
export async function perform(
  request: ServiceRequest,
  context: CommandContext,
): Promise<ServiceResult> {
  const { service, params } = request;
  switch (service) {
    case 'makeCall':
      return makeCall(context, params.device, params.to);
    case 'answerCall':
      await talk(context, legOf(context, params.connection));
      return {};
    case 'clearConnection':
      await clear(context, legOf(context, params.connection));
      return {};
    case 'clearCall':
      for (const leg of context.book.inCall(params.call)) await clear(context, leg);
      return {};
    case 'holdCall':
      await hold(context, legOf(context, params.connection));
      return {};
    case 'retrieveCall':
      await retrieve(context, legOf(context, params.connection));
      return {};
    case 'alternateCall':
      await hold(context, legOf(context, params.active));
      await retrieve(context, legOf(context, params.held));
      return {};
    case 'reconnectCall':
      await clear(context, legOf(context, params.active));
      await retrieve(context, legOf(context, params.held));
      return {};
    case 'consultationCall': {
      const leg = legOf(context, params.connection);
      await hold(context, leg);
      return makeCall(context, leg.device ?? '', params.to);
    }
    case 'transferCall':
      await transfer(context, legOf(context, params.held), legOf(context, params.active));
      return {};
    case 'singleStepTransfer':
      await handOn(context, legOf(context, params.connection), params.to);
      return {};
    case 'deflectCall':
      await deflect(context, legOf(context, params.connection), params.to);
      return {};
    case 'directedPickup':
      await pickUp(context, legOf(context, params.connection), params.device);
      return {};
    case 'conferenceCall':
      await conference(context, legOf(context, params.held), legOf(context, params.active));
      return {};
    case 'generateDigits': {
      const leg = legOf(context, params.connection);
      await run(context, `uuid_send_dtmf ${farEnd(context, leg).uuid} ${params.digits}`);
      const key = context.book.key(leg.uuid);
      context.tell([{ kind: 'digits', key, digits: params.digits }]);
      return {};
    }
    case 'setMessageWaiting': {
      const { device, on } = params;
      const headers = {
        'MWI-Messages-Waiting': on ? 'yes' : 'no',
        'MWI-Message-Account': `${device}@${context.settings.domain}`,
      };
      await context.esl.sendEvent('MESSAGE_WAITING', headers, context.signal);
      context.setMessageWaiting(device, on);
      return {};
    }
    case 'silentMonitor':
      return join(context, params.device, 'eavesdrop', legOf(context, params.connection));
    case 'bargeIn':
      return join(context, params.device, 'three_way', legOf(context, params.connection));
    case 'setDoNotDisturb':
    case 'setForwarding':
    case 'parkCall':
    case 'setAgentState':
    case 'whisper':
      throw new OffhookError('cti', 'not-supported', `FreeSWITCH has no command for ${service}`);
    default:
      return request satisfies never;
  }
}

function run({ esl, signal }: CommandContext, command: string): Promise<string> {
  return esl.api(command, signal);
}

function legOf({ book }: CommandContext, key: string): FsChannel {
  const leg = book.byKey(key);
  if (leg !== undefined) return leg;
  throw new OffhookError('cti', 'no-such-connection', `there is no connection ${key}`);
}

function farEnd({ book }: CommandContext, leg: FsChannel): FsChannel {
  const [far, ...more] = book.inCall(leg.call).filter(({ uuid }) => uuid !== leg.uuid);
  if (far !== undefined && more.length === 0) return far;
  const why = far === undefined ? 'nobody else is in the call' : 'it is in a conference';
  throw new OffhookError('cti', 'invalid-state', `${book.key(leg.uuid)}: ${why}`);
}

function makeCall(context: CommandContext, device: string, to: string): Promise<ServiceResult> {
  const what = `${to} XML ${context.settings.context}`;
  return originate(context, device, what, { role: 'calling' }, to);
}

/** Calls a phone, which answers by itself where it can, and does that with it. */
async function originate(
  context: CommandContext,
  device: string,
  what: string,
  made: Made = { role: 'calling' },
  shown = 'offhook',
): Promise<ServiceResult> {
  const { book, settings, esl, signal } = context;
  const uuid = randomUUID();
  book.made(uuid, made);
  const variables = [
    `origination_uuid=${uuid}`,
    'sip_auto_answer=true',
    `origination_caller_id_number=${shown}`,
  ];
  const dial = `user/${device}@${settings.domain}`;
  const job = await esl.background(`originate {${variables.join(',')}}${dial} ${what}`, signal);
  const channel = await context.until(() => {
    const failure = /^-ERR (.*)/.exec(esl.jobResult(job) ?? '')?.[1];
    if (failure === undefined) return book.channel(uuid);
    throw new OffhookError('cti', 'out-of-service', `${device} cannot be called: ${failure}`);
  });
  return { call: channel.call, connection: book.key(uuid) };
}

function join(
  context: CommandContext,
  device: string,
  application: 'eavesdrop' | 'three_way',
  { uuid, call }: FsChannel,
): Promise<ServiceResult> {
  return originate(context, device, `&${application}(${uuid})`, { role: 'joined', call });
}

async function talk(context: CommandContext, leg: FsChannel): Promise<void> {
  await run(context, `uuid_phone_event ${leg.uuid} talk`);
  await inState(context, leg, 'connected');
}

async function hold(context: CommandContext, leg: FsChannel): Promise<void> {
  await run(context, `uuid_hold ${leg.uuid}`);
  await inState(context, leg, 'hold');
}

async function retrieve(context: CommandContext, leg: FsChannel): Promise<void> {
  await run(context, `uuid_hold off ${leg.uuid}`);
  await inState(context, leg, 'connected');
}

async function clear(context: CommandContext, leg: FsChannel): Promise<void> {
  if (context.book.channel(leg.uuid) === undefined) return;
  const cause = leg.state === 'alerting' ? 'CALL_REJECTED' : 'NORMAL_CLEARING';
  await run(context, `uuid_kill ${leg.uuid} ${cause}`);
  await gone(context, leg);
}

async function transfer(
  context: CommandContext,
  held: FsChannel,
  active: FsChannel,
): Promise<void> {
  const [first, second] = [farEnd(context, held), farEnd(context, active)];
  context.book.intend(held.call, 'transfer', held.device);
  await run(context, `uuid_bridge ${first.uuid} ${second.uuid}`);
  await context.until(() => context.book.channel(first.uuid)?.bridged === second.uuid || undefined);
  await clear(context, held);
  await clear(context, active);
}

async function handOn(context: CommandContext, leg: FsChannel, to: string): Promise<void> {
  const far = farEnd(context, leg);
  await run(context, `uuid_transfer ${far.uuid} ${to} XML ${context.settings.context}`);
  context.tell([{ kind: 'transferred', call: leg.call, by: leg.device }]);
  await clear(context, leg);
}

async function deflect(context: CommandContext, leg: FsChannel, to: string): Promise<void> {
  const caller = farEnd(context, leg);
  context.book.divert(leg.uuid, 'redirected');
  await run(context, `uuid_transfer ${caller.uuid} ${to} XML ${context.settings.context}`);
  await gone(context, leg);
}

async function pickUp(context: CommandContext, leg: FsChannel, device: string): Promise<void> {
  context.book.divert(leg.uuid, 'callPickup');
  const made = { role: 'calling', call: leg.call } as const;
  await originate(context, device, `&intercept(${farEnd(context, leg).uuid})`, made);
  await gone(context, leg);
}

async function conference(
  context: CommandContext,
  held: FsChannel,
  active: FsChannel,
): Promise<void> {
  const parties = [farEnd(context, held), farEnd(context, active), active];
  const room = `conference:offhook-${randomUUID()}@${context.settings.conference} inline`;
  context.book.intend(held.call, 'conference', held.device);
  await run(context, `uuid_transfer ${active.uuid} -both ${room}`);
  await run(context, `uuid_transfer ${parties[0]?.uuid ?? ''} ${room}`);
  await clear(context, held);
  context.tell(context.book.join(parties.map(({ uuid }) => uuid)));
}

async function inState(
  { book, until }: CommandContext,
  { uuid }: FsChannel,
  state: FsChannel['state'],
): Promise<void> {
  await until(() => {
    const now = book.channel(uuid);
    if (now === undefined) {
      throw new OffhookError('cti', 'no-such-connection', `${book.key(uuid)} is gone`);
    }
    return now.state === state || undefined;
  });
}

async function gone({ book, until }: CommandContext, { uuid }: FsChannel): Promise<void> {
  await until(() => book.channel(uuid) === undefined || undefined);
}
