import { describeError, machineAddresses, type Clock, type Logger } from '@offhook/common';
import type { MediaClient } from '@offhook/media-rpc';
import {
  resolverAt,
  type AccountOptions,
  type UserAgent,
  type UserAgentOptions,
} from '@offhook/signaling';
import { domainOf } from './call/dial-target.ts';
import { CallHistory } from './call/history.ts';
import { Handsets } from './handset/handsets.ts';
import { Mover } from './handset/mover.ts';
import { SoftHandset } from './handset/soft-handset.ts';
import { CallManager, type Line } from './call/call-manager.ts';
import { DialPlan } from './call/dial-plan.ts';
import { Dialler } from './call/dialler.ts';
import { pressHeadset } from './call/headset.ts';
import { EmergencyCalls } from './call/emergency-calls.ts';
import { Settings } from './call/person-settings.ts';
import type { AccountConfig, GuestConfig } from './config.ts';
import { CallKeeper } from './journal/call-keeper.ts';
import { formatEntry, parseEntry } from './journal/history-entry.ts';
import type { Journal } from './journal/journal.ts';
import { keptSettings } from './journal/kept-settings.ts';
import { bindAgain, secretOf } from './journal/same-again.ts';
import { AwayKeeper } from './call/away-keeper.ts';
import { handOver } from './call/hand-over.ts';
import type { DeskHandset } from './desk/desk-handset.ts';
import { EngineRoster, type SeatOptions } from './engine-roster.ts';
import { watchNetwork } from './network-watch.ts';
import { passwordOf } from './password.ts';
import { knownLocation, type KnownLocation } from './people/location.ts';
import { readPem } from './pem.ts';
import { PresenceBoard } from './presence/presence.ts';
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
  /** Connects to an engine, by default to that of `engine.channel`. */
  readonly connectEngine: (signal: AbortSignal, channel?: string) => Promise<MediaClient>;
  /** Calls outlive this process by it; without one they do not. */
  readonly journal?: Journal;
  /** The name of a far end in the person's contacts. */
  readonly nameOf?: (uri: string) => string | undefined;
  /** The number of the one contact of that name. */
  readonly numberOf?: (name: string) => string | undefined;
}

/** Lines, calls and the link to the engine: the phone without anybody who operates it. */
export interface Phone {
  readonly userAgent: UserAgent;
  readonly lines: readonly Line[];
  readonly manager: CallManager;
  readonly handsets: Handsets;
  /** Absent where there is no desk phone. */
  readonly mover: Mover | undefined;
  readonly dialler: Dialler;
  readonly emergency: EmergencyCalls;
  /** Of the place where the phone is used now. */
  readonly location: () => KnownLocation;
  readonly settings: Settings;
  readonly presence: PresenceBoard;
  readonly link: EngineRoster;
  readonly trace: TraceStore;
  /** Ends calls (unless `keepCalls`), unregisters and closes; idempotent. Takes about 2 s at most. */
  close(options?: { keepCalls?: boolean }): Promise<void>;
}

const CLOSE_MS = 2000;

/** The thin clients, and the engine in the guest. */
function seatsOf({ config, connectEngine }: PhoneParts): [SeatOptions, ...SeatOptions[]] {
  const { channel, also, fallback } = config.engine;
  const seat = (kind: SeatOptions['kind'], address: string): SeatOptions => ({
    channel: address,
    kind,
    connect: (signal) => connectEngine(signal, address),
  });
  return [
    seat('client', channel),
    ...also.map((address) => seat('client', address)),
    ...(fallback === undefined ? [] : [seat('fallback', fallback)]),
  ];
}
/** So long the calls of an earlier process wait for the engine, before their peers are spoken to. */
const ENGINE_WAIT_MS = 1000;

/** @throws OffhookError when the configured addresses cannot be bound or certificates not read. */
export async function createPhone(parts: PhoneParts): Promise<Phone> {
  const { config, clock, logger, journal } = parts;
  const link = new EngineRoster({
    seats: seatsOf(parts),
    leaseMs: config.engine.lease * 1000,
    desired: () => manager.desired(),
    journal: () => (journal?.inherited.lost === undefined ? 'healthy' : 'lost'),
    clock,
    logger,
  });
  const settings = journal === undefined ? new Settings() : keptSettings(journal, logger);
  const plan = new DialPlan(config);
  const keeper = new CallKeeper(journal, clock);
  const history = new CallHistory(
    config.calls.history,
    journal?.inherited.history.flatMap((text) => parseEntry(text) ?? []) ?? [],
    (entry) => journal?.addHistory(formatEntry(entry)),
  );
  const manager = new CallManager({
    link,
    config,
    plan,
    settings,
    mustRing: () => emergency.mustRing,
    clock,
    random: parts.random,
    logger,
    keeper,
    history,
    ...(parts.nameOf === undefined ? {} : { nameOf: parts.nameOf }),
  });
  const inherited = journal?.inherited.calls ?? [];
  // An engine that is asked before the calls are there would be told that there are none.
  if (inherited.length === 0) link.start();

  const away = new AwayKeeper({
    engines: link,
    calls: () => manager.list(),
    toDesk: async (id) => mover?.handOver(manager.get(id)),
    run: handOver,
    clock,
    logger,
  });
  manager.events.on('changed', () => away.wake());

  const trace = new TraceStore();
  let userAgent: UserAgent;
  try {
    userAgent = await bindAgain(parts, {
      ...userAgentOptions(parts, trace),
      ...(journal !== undefined && {
        journal: keeper,
        secret: secretOf(journal),
        restoring: true,
      }),
    });
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

  const location = () => knownLocation(link.status, link.kind, clock.wall());
  const emergency = new EmergencyCalls({
    config: config.emergency,
    manager,
    plan,
    lines,
    location,
    journal,
    clock,
    random: parts.random,
    logger,
  });
  const presence = new PresenceBoard({
    lines,
    watch: config.watch,
    manager,
    settings,
    defaultAccount: config.dial.account,
    clock,
    logger,
  });

  link.on('headset.button', ({ button }) => void pressHeadset(button, manager, logger));

  const desk = await deskOf(parts, history, plan);
  const handsets = new Handsets({
    soft: new SoftHandset({ manager, presence, lines, codes: config.codes }),
    softEvents: manager.events,
    desk,
    history,
    memory: {
      get: () => journal?.meta('mode'),
      set: (mode) => journal?.setMeta('mode', mode),
    },
  });
  const dialler = new Dialler({
    handsets,
    reachable: () => link.connected,
    plan,
    emergency,
    lines,
    defaultAccount: config.dial.account,
    numberOf: parts.numberOf ?? (() => undefined),
  });
  presence.show(handsets);
  const mover = moverOf(parts, { manager, desk, lines, engine: link });

  if (inherited.length > 0) {
    manager.restore(inherited, lines);
    link.start();
    await link.ready(ENGINE_WAIT_MS);
  }
  userAgent.restored({ awayMs: journal?.inherited.awayMs });
  manager.goOn();

  const refresh = () => userAgent.refresh({ addresses: machineAddresses() });
  const unwatch = parts.register
    ? watchNetwork({ clock, logger, onChange: (addresses) => userAgent.refresh({ addresses }) })
    : () => undefined;
  link.on('frozen', refresh);

  let closing: Promise<void> | undefined;
  return {
    userAgent,
    lines,
    manager,
    handsets,
    mover,
    dialler,
    emergency,
    location,
    settings,
    presence,
    link,
    trace,
    close({ keepCalls = false } = {}) {
      closing ??= (async () => {
        away.close();
        unwatch();
        desk?.line.close();
        if (!keepCalls) await manager.close(CLOSE_MS);
        try {
          await userAgent.close({ timeoutMs: CLOSE_MS, keepCalls });
        } catch (error) {
          logger.warn({ reason: describeError(error) }, 'signaling did not close cleanly');
        }
        await link.close();
        keeper.close();
      })();
      return closing;
    },
  };
}

/** The desk phone; only whoever runs the phone works it. */
async function deskOf(
  { config, register, nameOf = () => undefined, clock, logger }: PhoneParts,
  history: CallHistory,
  plan: DialPlan,
): Promise<DeskHandset | undefined> {
  const { desk, codes, dial } = config;
  if (desk === undefined || !register) return undefined;
  const { openDesk } = await import('./desk/open-desk.ts');
  const domain = dial.domain ?? domainOf(movingAccount(config)?.aor ?? '');
  return openDesk({
    desk,
    codes,
    domain,
    decide: (target) => plan.decide(target).target,
    nameOf,
    history,
    clock,
    logger,
  });
}

/** The account by which calls move between softphone and desk phone. */
function movingAccount({ desk, dial, account }: GuestConfig): AccountConfig | undefined {
  const aor = desk?.account ?? dial.account;
  return account.find((one) => aor === undefined || one.aor === aor);
}

function moverOf(
  { config, logger }: PhoneParts,
  phone: {
    readonly manager: CallManager;
    readonly desk: DeskHandset | undefined;
    readonly lines: readonly Line[];
    readonly engine: EngineRoster;
  },
): Mover | undefined {
  const { manager, desk, lines, engine } = phone;
  const account = movingAccount(config);
  const line = lines.find((one) => one.config === account);
  if (desk === undefined || config.desk === undefined || line === undefined) return undefined;
  return new Mover({ manager, desk, config: config.desk, line, engine, logger });
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
    ...(sip.name_servers === undefined ? {} : { resolver: resolverAt(sip.name_servers) }),
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
