import { describeError, type Clock, type Logger } from '@offhook/common';
import type { MediaClient } from '@offhook/media-rpc';
import type { AccountOptions, UserAgent, UserAgentOptions } from '@offhook/signaling';
import { CallManager, type Line } from './call/call-manager.ts';
import { Settings } from './call/person-settings.ts';
import type { AccountConfig, GuestConfig } from './config.ts';
import { MediaLink } from './media-link.ts';
import { passwordOf } from './password.ts';
import { readPem } from './pem.ts';
import { TraceStore } from './trace/trace-store.ts';

export interface PhoneParts {
  readonly config: GuestConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly product: string;
  /** Tells this phone from others of the machine, and stays the same when it is started again. */
  readonly instance: string;
  /** False: no line registers, whatever the configuration says. */
  readonly register: boolean;
  readonly createUserAgent: (options: UserAgentOptions) => Promise<UserAgent>;
  readonly connectEngine: (signal: AbortSignal) => Promise<MediaClient>;
}

/** Lines, calls and the link to the engine: the phone without anybody who operates it. */
export interface Phone {
  readonly userAgent: UserAgent;
  readonly lines: readonly Line[];
  readonly manager: CallManager;
  readonly settings: Settings;
  readonly link: MediaLink;
  readonly trace: TraceStore;
  /** Ends calls, unregisters and closes; idempotent. Takes at most about `timeoutMs`. */
  close(timeoutMs?: number): Promise<void>;
}

const CLOSE_MS = 2000;

/** @throws OffhookError when the configured addresses cannot be bound or certificates not read. */
export async function createPhone(parts: PhoneParts): Promise<Phone> {
  const { config, clock, logger } = parts;
  const link = new MediaLink({
    channel: config.engine.channel,
    connect: parts.connectEngine,
    leaseMs: config.engine.lease * 1000,
    desired: () => manager.desired(),
    clock,
    logger,
  });
  const settings = new Settings();
  const manager = new CallManager({ link, config, settings, clock, random: parts.random, logger });
  link.start();

  const trace = new TraceStore();
  let userAgent: UserAgent;
  try {
    userAgent = await parts.createUserAgent(userAgentOptions(parts, trace));
  } catch (error) {
    await link.close();
    throw error;
  }
  const lines = config.account.map((account): Line => {
    const line: Line = {
      config: account,
      account: userAgent.addAccount(accountOptions(account, parts.register)),
    };
    line.account.on('incoming', (call) => manager.incoming(line, call));
    line.account.on('refer', (referral) => manager.transfers.asked(line, undefined, referral));
    return line;
  });

  let closing: Promise<void> | undefined;
  return {
    userAgent,
    lines,
    manager,
    settings,
    link,
    trace,
    close(timeoutMs = CLOSE_MS) {
      closing ??= (async () => {
        await manager.close(timeoutMs);
        try {
          await userAgent.close({ timeoutMs });
        } catch (error) {
          logger.warn({ reason: describeError(error) }, 'signaling did not close cleanly');
        }
        await link.close();
      })();
      return closing;
    },
  };
}

function userAgentOptions(parts: PhoneParts, trace: TraceStore): UserAgentOptions {
  const { sip, log } = parts.config;
  const tls = sip.tls;
  return {
    listen: sip.listen,
    product: sip.user_agent ?? parts.product,
    instance: parts.instance,
    logger: parts.logger,
    ...(sip.outbound_proxy === undefined ? {} : { outboundProxy: sip.outbound_proxy }),
    trace: (entry) => {
      trace.add(entry);
      if (log.sip_trace) parts.logger.debug({ sip: entry }, 'SIP message');
    },
    ...(tls === undefined
      ? {}
      : {
          tls: {
            verify: tls.verify,
            ...(tls.ca === undefined ? {} : { ca: readPem(tls.ca) }),
            ...(tls.cert === undefined ? {} : { cert: readPem(tls.cert) }),
            ...(tls.key === undefined ? {} : { key: readPem(tls.key) }),
          },
        }),
  };
}

function accountOptions(account: AccountConfig, register: boolean): AccountOptions {
  const password = passwordOf(account);
  const timer = account.session_timer;
  const user = account.aor.replace(/^sips?:/i, '').split('@', 1)[0] ?? '';
  return {
    aor: account.aor,
    register: register && account.register,
    expires: account.expires,
    rel100: account.rel100,
    redirects: account.redirects,
    sessionTimer:
      timer === false
        ? false
        : { expires: timer.expires, minSE: timer.min_se, refresher: timer.refresher },
    ...(account.display_name === undefined ? {} : { displayName: account.display_name }),
    ...(account.registrar === undefined ? {} : { registrars: account.registrar }),
    ...(account.outbound_proxy === undefined ? {} : { outboundProxy: account.outbound_proxy }),
    ...(password === undefined
      ? {}
      : {
          credentials: [
            {
              username: account.username ?? user,
              password,
              ...(account.realm === undefined ? {} : { realm: account.realm }),
            },
          ],
        }),
  };
}
