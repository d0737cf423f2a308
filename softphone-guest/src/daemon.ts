import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import {
  connectControl,
  isOffhookError,
  OffhookError,
  serveControl,
  type Clock,
  type ControlServer,
  type Logger,
  type Timer,
} from '@offhook/common';
import type { MediaClient } from '@offhook/media-rpc';
import type { UserAgent, UserAgentOptions } from '@offhook/signaling';
import type { Line } from './call/call-manager.ts';
import { DialPlan } from './call/dial-plan.ts';
import type { GuestConfig } from './config.ts';
import type { ControlEventName, ControlEvents } from './control/api.ts';
import { controlHandlers } from './control/handlers.ts';
import {
  describeAccount,
  describeCall,
  describeEmergency,
  describeEngine,
  describeJournal,
  describeListen,
  describeMedia,
  describeMode,
  describeSettings,
} from './control/info.ts';
import type { StatusInfo } from './control/schemas.ts';
import { runDoctor } from './doctor.ts';
import { refuseEmergency } from './doctor/test-call.ts';
import { Hooks } from './hooks/hooks.ts';
import { Journal, type JournalParts } from './journal/journal.ts';
import { describeLamp, describeMessage } from './control/presence-handlers.ts';
import { Conversations } from './presence/conversations.ts';
import type { Paths } from './paths.ts';
import { ContactBook } from './people/contact-book.ts';
import { createPhone, type Phone } from './phone.ts';
import type { AccountChanges } from './running-daemon.ts';
import { CallStatisticsKeeper } from './statistics/call-statistics.ts';
import { StatisticsFiles } from './statistics/files.ts';
import { VERSION } from './version.ts';

const STATS_INTERVAL_MS = 1000;
/** An engine on the same machine answers in milliseconds: the first call should find it there. */
const ENGINE_WAIT_MS = 1000;
const MAX_MESSAGE = 4096;

export interface DaemonParts {
  readonly config: GuestConfig;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly createUserAgent: (options: UserAgentOptions) => Promise<UserAgent>;
  readonly connectEngine: (signal: AbortSignal, channel?: string) => Promise<MediaClient>;
  readonly sqlite: JournalParts['sqlite'];
  /** See `RunningDaemon.reload`; without one the configuration holds as long as the daemon runs. */
  readonly reload?: () => Promise<AccountChanges>;
}

export interface Daemon {
  readonly phone: Phone;
  /**
   * Ends calls, unregisters, closes the control socket. With `keepCalls` the calls are left to the
   * next daemon, and nothing is said to anybody. Idempotent.
   */
  close(options?: { keepCalls?: boolean }): Promise<void>;
}

/**
 * Starts the phone and serves its control socket. Resolves when calls can be placed and taken;
 * registration goes on by itself.
 *
 * @throws OffhookError `{layer: 'control', code: 'in-use'}` when a daemon runs there already.
 */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const { config, paths, clock, logger } = parts;
  await mkdir(paths.stateDir, { recursive: true, mode: 0o700 });
  await refuseSecondDaemon(paths.control);

  const startedAt = new Date(clock.wall()).toISOString();
  const journal = await Journal.open({
    path: paths.journal,
    sqlite: parts.sqlite,
    clock,
    logger,
    historyLimit: config.calls.history,
  });
  const { country } = config.dial;
  const dialling = new DialPlan(config).local;
  const contacts = new ContactBook({ path: paths.contacts, country, dialling, logger });
  const nameOf = (uri: string) => contacts.atParty(uri)?.name;
  const phone = await createPhone({
    ...parts,
    nameOf,
    numberOf: (name) => contacts.numberOf(name),
    journal,
    product: `Offhook/${VERSION}`,
    instance: `${hostname()}:${paths.stateDir}`,
    register: true,
  });
  const conversations = new Conversations({
    path: paths.messages,
    lines: phone.lines,
    clock,
    logger,
  });
  const files = new StatisticsFiles({
    directory: paths.statistics,
    keep: config.calls.statistics,
    clock,
    logger,
  });
  const statistics = new CallStatisticsKeeper({ handsets: phone.handsets, files, clock });
  const status = (): StatusInfo => ({
    version: VERSION,
    pid: process.pid,
    startedAt,
    config: paths.config,
    listening: phone.userAgent.listening.map(describeListen),
    accounts: phone.lines.map((line) => describeAccount(line.config, line.account)),
    engine: describeEngine(phone.link.status, phone.location(), config.emergency.warn),
    calls: phone.handsets.list().length,
    journal: describeJournal(journal),
    settings: describeSettings(phone.settings, phone.lines, phone.handsets),
    handset: describeMode(phone.handsets),
    screen: config.screen,
  });
  let server: ControlServer;
  try {
    server = await serveControl({
      path: paths.control,
      logger,
      methods: controlHandlers({
        manager: phone.manager,
        handsets: phone.handsets,
        mover: phone.mover,
        dialler: phone.dialler,
        settings: phone.settings,
        presence: phone.presence,
        conversations,
        lines: phone.lines,
        defaultAccount: config.dial.account,
        media: phone.link,
        trace: phone.trace,
        statistics,
        journal,
        contacts,
        status,
        ...(parts.reload !== undefined && { reload: parts.reload }),
        doctor: (signal, target) =>
          runDoctor(
            {
              link: phone.link,
              listening: phone.userAgent.listening,
              lines: phone.lines,
              manager: phone.manager,
              location: phone.location,
              now: () => clock.wall(),
              registers: true,
              journal,
              testCall: {
                dial: (to) => {
                  refuseEmergency(phone.dialler.preview(to).emergency);
                  return phone.dialler.dial(to);
                },
                hangUp: (call) => phone.handsets.of(call).hangup(call.id),
                busy: () => phone.handsets.list().length > 0,
                messages: (callId) => phone.trace.get(callId).entries,
              },
            },
            signal,
            target,
          ),
      }),
    });
  } catch (error) {
    await phone.close();
    await journal.close();
    throw error;
  }
  const hooks = new Hooks(config.hook, { clock, logger });
  const { warn } = config.emergency;
  const stopEvents = publishEvents({ phone, conversations, server, hooks, clock, nameOf, warn });
  await phone.link.settled(ENGINE_WAIT_MS);
  logger.info(
    { listening: status().listening, engine: phone.link.status, config: paths.config },
    'phone ready',
  );

  let closing: Promise<void> | undefined;
  return {
    phone,
    close({ keepCalls = false } = {}) {
      closing ??= (async () => {
        await phone.close({ keepCalls });
        stopEvents();
        await hooks.close();
        await server.close();
        await files.settled();
        await journal.close();
        logger.info({}, 'phone closed');
      })();
      return closing;
    },
  };
}

async function refuseSecondDaemon(path: string): Promise<void> {
  try {
    const client = await connectControl(path, { timeoutMs: 1000 });
    await client.close();
  } catch (error) {
    if (isOffhookError(error, 'not-reachable')) return;
    throw error;
  }
  throw new OffhookError('control', 'in-use', `a daemon runs at ${path} already`, {
    remedy: 'use it, or choose another --state-dir',
  });
}

interface EventParts {
  readonly phone: Phone;
  readonly conversations: Conversations;
  readonly server: ControlServer;
  readonly hooks: Hooks;
  readonly clock: Clock;
  readonly nameOf: (uri: string) => string | undefined;
  readonly warn: boolean;
}

function publishEvents(parts: EventParts): () => void {
  const { phone, conversations, server, hooks, clock, nameOf, warn } = parts;
  const publish = <E extends ControlEventName>(event: E, make: () => ControlEvents[E]) => {
    if (server.wants(event)) server.publish(event, make());
    hooks.offer(event, make);
  };
  const stats = new StatsTicker(phone, server, clock);
  const { handsets } = phone;
  const settingsNow = () => describeSettings(phone.settings, phone.lines, handsets);
  handsets.events.on('changed', (call) => {
    publish('call.changed', () =>
      describeCall(call, handsets.list().find((one) => one.id === call.id)?.lastStats),
    );
    stats.wake();
  });
  handsets.events.on('ended', ({ call, stats }) =>
    publish('call.ended', () => describeCall(call, stats)),
  );
  handsets.events.on('dtmf', (event) => publish('dtmf', () => event));
  handsets.events.on('mode', () => {
    publish('mode.changed', () => describeMode(handsets));
    // Each handset has its own.
    publish('settings.changed', settingsNow);
  });
  phone.presence.lamps.events.on('changed', (lamp) =>
    publish('lamp.changed', () => describeLamp(lamp)),
  );
  phone.presence.mailboxes.events.on('changed', (mailbox) =>
    publish('voicemail.changed', () => mailbox),
  );
  conversations.events.on('changed', (message) =>
    publish('message.changed', () => describeMessage(message, nameOf)),
  );
  phone.settings.events.on('changed', () => publish('settings.changed', settingsNow));
  phone.link.on('status', (status) =>
    publish('engine.changed', () => describeEngine(status, phone.location(), warn)),
  );
  phone.emergency.events.on('begun', (event) =>
    publish('emergency', () => describeEmergency(event, phone.location())),
  );
  phone.link.on('devices.changed', (event) => publish('devices.changed', () => event));
  for (const line of phone.lines) publishLine(line, publish);
  return () => stats.close();
}

type Publish = <E extends ControlEventName>(event: E, make: () => ControlEvents[E]) => void;

function publishLine({ config, account }: Line, publish: Publish): void {
  account.on('registration', () =>
    publish('registration.changed', () => describeAccount(config, account)),
  );
  account.on('message', ({ from, displayName, body }) =>
    publish('message', () => ({
      account: config.aor,
      from,
      fromName: displayName ?? null,
      type: body.type,
      text: body.content.slice(0, MAX_MESSAGE),
    })),
  );
}

/** Asks the engine for figures once a second, as long as a call is up and somebody listens. */
class StatsTicker {
  readonly #phone: Phone;
  readonly #server: ControlServer;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #closed = false;

  constructor(phone: Phone, server: ControlServer, clock: Clock) {
    this.#phone = phone;
    this.#server = server;
    this.#clock = clock;
  }

  wake(): void {
    if (this.#closed || this.#timer !== undefined || this.#established().length === 0) return;
    this.#timer = this.#clock.after(STATS_INTERVAL_MS, () => void this.#tick());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #established(): ReturnType<Phone['manager']['list']> {
    return this.#phone.manager.list().filter((session) => session.call.phase === 'established');
  }

  async #tick(): Promise<void> {
    if (this.#server.wants('stats')) {
      const calls = await Promise.all(
        this.#established().map(async (session) => ({
          id: session.id,
          media: describeMedia(await session.stats()),
        })),
      );
      if (!this.#closed && calls.length > 0) this.#server.publish('stats', { calls });
    }
    this.#timer = undefined;
    this.wake();
  }
}
