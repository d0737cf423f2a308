import { withDeadline, type Logger } from '@offhook/common';
import {
  resolverAt,
  type Account,
  type CallEnd,
  type IncomingCall,
  type RegistrationState,
  type SdpAgent,
  type UserAgent,
  type UserAgentOptions,
} from '@offhook/signaling';
import type { Candidate, SipAddress } from './candidates.ts';

/** What one way to the registrar came to. */
export type Attempt =
  | { readonly registered: true; readonly selfCall: SelfCall }
  | { readonly registered: false; readonly status: number; readonly reason: string };

/** A call to oneself: the PBX may not allow it, which says nothing against the account. */
export type SelfCall =
  | { readonly answered: true }
  | { readonly answered: false; readonly reason: string };

export interface TryParts {
  readonly createUserAgent: (options: UserAgentOptions) => Promise<UserAgent>;
  readonly address: SipAddress;
  readonly username: string;
  readonly password: string;
  readonly tls: { readonly verify: boolean; readonly ca: string | undefined };
  /** Instead of those of the system. */
  readonly nameServers?: readonly string[] | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const REGISTER_MS = 8000;
const CALL_MS = 8000;
const CLOSE_MS = 2000;
/** As short as registrars allow: what is left behind is soon gone. */
const EXPIRES_S = 60;

/** Registers this way, calls itself, and takes the registration back. */
export async function tryAccount(parts: TryParts, way: Candidate): Promise<Attempt> {
  const { address, tls, nameServers } = parts;
  const userAgent = await parts.createUserAgent({
    listen: [
      { transport: 'udp', address: '0.0.0.0', port: 0 },
      { transport: 'tcp', address: '0.0.0.0', port: 0 },
    ],
    product: 'Offhook setup',
    logger: parts.logger,
    ...(nameServers === undefined ? {} : { resolver: resolverAt(nameServers) }),
    tls: { verify: tls.verify, ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
  });
  try {
    const account = userAgent.addAccount({
      aor: address.aor,
      register: false,
      expires: EXPIRES_S,
      credentials: [{ username: parts.username, password: () => Promise.resolve(parts.password) }],
      ...(way.proxy === undefined ? {} : { outboundProxy: way.proxy }),
    });
    const state = await register(account, parts.signal);
    if (state.state !== 'registered') {
      const { status, reason } = state.state === 'failed' ? state : { status: 0, reason: '' };
      return { registered: false, status, reason };
    }
    return { registered: true, selfCall: await callSelf(account, parts.signal) };
  } finally {
    await userAgent.close({ timeoutMs: CLOSE_MS });
  }
}

async function register(account: Account, signal: AbortSignal): Promise<RegistrationState> {
  const { promise, resolve } = Promise.withResolvers<RegistrationState>();
  account.on('registration', (state) => {
    if (state.state === 'registered' || state.state === 'failed') resolve(state);
  });
  account.register().catch(() => undefined);
  try {
    return await withDeadline(
      { layer: 'signaling', what: 'the registrar', ms: REGISTER_MS, signal },
      () => promise,
    );
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return { state: 'failed', status: 0, reason };
  }
}

async function callSelf(account: Account, signal: AbortSignal): Promise<SelfCall> {
  account.on('incoming', (incoming: IncomingCall) => {
    incoming.useAgent(new SilentAgent());
    incoming.answer().catch(() => undefined);
  });
  const call = account.invite(account.aor, new SilentAgent());
  const { promise, resolve } = Promise.withResolvers<SelfCall>();
  call.on('established', () => resolve({ answered: true }));
  call.on('ended', ({ reason }: CallEnd) => resolve({ answered: false, reason }));
  try {
    return await withDeadline(
      { layer: 'signaling', what: 'the call to oneself', ms: CALL_MS, signal },
      () => promise,
    );
  } catch (error) {
    signal.throwIfAborted();
    return { answered: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await call.hangup().catch(() => undefined);
  }
}

/** Offers and takes PCMA that nobody sends: only signaling is tried. */
class SilentAgent implements SdpAgent {
  readonly createOffer = () => Promise.resolve(SILENCE);
  readonly createAnswer = () => Promise.resolve(SILENCE);
  readonly acceptAnswer = () => Promise.resolve();
  readonly rollback = () => Promise.resolve();
}

const SILENCE = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 9 RTP/AVP 8',
  'a=inactive',
  '',
].join('\r\n');
