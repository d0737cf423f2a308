import { hostname } from 'node:os';
import { OffhookError, silentLogger, systemClock, type Clock } from '@offhook/common';
import type {
  Account,
  AccountOptions,
  ListenAddress,
  UserAgent,
  UserAgentOptions,
} from '../api.ts';
import type { Network } from '../transport/network.ts';
import type { Flow, Random, TransportLayer } from '../transport/layer.ts';
import { createTransportLayer, systemRandom } from '../transport/transport-layer.ts';
import { AccountImpl, type AccountContext, type TrackedCall } from './account.ts';
import type { InboundRequest } from './core/inbound-request.ts';
import { Keeper } from './core/keeper.ts';
import { SipCore } from './core/sip-core.ts';
import { mayLeadTo } from './dialog/dialog-state.ts';
import { OutOfDialog } from './out-of-dialog.ts';

/** What tests replace. */
export interface UserAgentSurroundings {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly network?: Network;
}

const CLOSE_MS = 2000;
/**
 * So long a peer repeats what got no answer (64·T1, less what a start may take): whoever was away for
 * longer may have missed the end of a call.
 */
const PATIENCE_MS = 25_000;

/** Binds the listening points; rejects with an OffhookError of layer `signaling` if it cannot. */
export async function createUserAgent(
  options: UserAgentOptions,
  surroundings: UserAgentSurroundings = {},
): Promise<UserAgent> {
  const clock = surroundings.clock ?? systemClock;
  const random = surroundings.random ?? systemRandom;
  const layer = await createTransportLayer({
    listen: options.listen,
    tls: options.tls,
    logger: options.logger,
    trace: options.trace,
    resolver: options.resolver,
    secret: options.secret,
    clock,
    random,
    network: surroundings.network,
  });
  return new UserAgentImpl(options, layer, clock, random);
}

class UserAgentImpl implements UserAgent {
  readonly #layer: TransportLayer;
  readonly #core: SipCore;
  readonly #context: AccountContext;
  readonly #accounts: AccountImpl[] = [];
  readonly #calls = new Set<TrackedCall>();
  readonly #outOfDialog: OutOfDialog;
  #closing: Promise<void> | undefined;

  constructor(options: UserAgentOptions, layer: TransportLayer, clock: Clock, random: Random) {
    this.#layer = layer;
    this.#core = new SipCore({
      layer,
      clock,
      random,
      logger: options.logger ?? silentLogger,
      product: options.product ?? 'Offhook',
      keeper: new Keeper(options.journal, clock),
      hold: options.restoring === true,
      outOfDialog: (inbound: InboundRequest) => this.#outOfDialog.serve(inbound),
    });
    this.#outOfDialog = new OutOfDialog({
      core: this.#core,
      accounts: () => this.#accounts,
      calls: this.#calls,
      serve: options.serve,
    });
    this.#context = {
      core: this.#core,
      phone: options.instance ?? hostname(),
      outboundProxy: options.outboundProxy,
      track: (call) => {
        this.#calls.add(call);
        call.on('ended', () => this.#calls.delete(call));
      },
    };
    layer.on('flowLost', ({ flow }) => {
      for (const account of this.#accounts) account.flowLost(flow);
      this.#flowLost(flow);
    });
  }

  get listening(): readonly ListenAddress[] {
    return this.#layer.listening;
  }

  get accounts(): readonly Account[] {
    return this.#accounts;
  }

  addAccount(options: AccountOptions): Account {
    if (this.#closing !== undefined) {
      throw new OffhookError('signaling', 'closed', 'the user agent is closed');
    }
    const account = new AccountImpl(this.#context, options);
    this.#accounts.push(account);
    // Who adds it listens first.
    if (options.register) queueMicrotask(() => void account.register().catch(() => undefined));
    return account;
  }

  restored({ awayMs }: { awayMs?: number | undefined } = {}): void {
    const mayHaveGivenUp = awayMs === undefined || awayMs > PATIENCE_MS;
    const calls = [...this.#calls];
    this.#core.release();
    for (const call of calls) call.goOn(mayHaveGivenUp);
  }

  refresh({ addresses }: { addresses?: ReadonlySet<string> } = {}): void {
    if (this.#closing !== undefined) return;
    if (addresses !== undefined) this.#layer.moved(addresses);
    for (const account of this.#accounts) account.refresh();
    for (const call of this.#calls) {
      if (call.state === 'established') void call.session?.offering.refresh();
    }
  }

  /**
   * A connection is gone: a peer that knows us by it cannot send us anything until it has heard from
   * us over another (RFC 5626 §4.4.1). UDP has no connection to lose.
   */
  #flowLost(flow: Flow): void {
    if (this.#closing !== undefined || flow.transport === 'udp') return;
    for (const call of this.#calls) {
      const { session } = call;
      if (session === undefined || call.state !== 'established') continue;
      const known = session.dialog.localContact === session.profile.contactOn(flow);
      if (known && mayLeadTo(session.dialog, flow.remote)) void session.offering.refresh();
    }
  }

  close(options: { timeoutMs?: number; keepCalls?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? CLOSE_MS, options.keepCalls === true);
    return this.#closing;
  }

  async #close(timeoutMs: number, keepCalls: boolean): Promise<void> {
    const work: Promise<void>[] = [];
    if (keepCalls) {
      this.#core.keeper.close();
      for (const call of this.#calls) call.abandon();
      for (const account of this.#accounts) account.abandon();
    } else {
      for (const call of this.#calls) work.push(call.hangup());
      for (const account of this.#accounts) work.push(account.close());
    }
    const deadline = Promise.withResolvers<void>();
    const timer = this.#core.clock.after(timeoutMs, () => deadline.resolve());
    await Promise.race([Promise.allSettled(work), deadline.promise]);
    timer.cancel();
    for (const account of this.#accounts) account.abandon();
    this.#core.keeper.close();
    this.#core.dispose();
    await this.#layer.close();
  }
}
