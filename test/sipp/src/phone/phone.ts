import { connectControl, type ControlClient } from '@offhook/common';
import {
  controlMethods,
  type AccountInfo,
  type CallInfo,
  type ControlInput,
  type ControlMethodName,
  type ControlResult,
} from '@offhook/softphone-guest';
import { until } from '../infra/wait.ts';

type State = CallInfo['state'];

export interface PhoneEvent {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const MAX_EVENTS = 5000;

/** The phone in the guest, worked by its control socket as any script would. */
export class Phone {
  readonly #control: ControlClient;
  readonly #events: PhoneEvent[] = [];
  readonly #validates: boolean;

  private constructor(control: ControlClient, validates: boolean) {
    this.#control = control;
    this.#validates = validates;
    control.on('*', (params, name) => {
      if (name !== 'stats' && this.#events.length < MAX_EVENTS)
        this.#events.push({ name, params: params as Readonly<Record<string, unknown>> });
    });
  }

  /**
   * With `anyVersion` answers are taken as they are: of a daemon that knows less than we do. Without
   * `events` none are heard, and the daemon does no more than it does with nobody there.
   */
  static async connect(socket: string, { anyVersion = false, events = true } = {}): Promise<Phone> {
    const phone = new Phone(await connectControl(socket), !anyVersion);
    // That it answers at all has to show.
    await (events ? phone.#control.subscribe() : phone.call('status', {}));
    return phone;
  }

  call<M extends ControlMethodName>(
    method: M,
    params: ControlInput<M>,
    timeoutMs = 15_000,
  ): Promise<ControlResult<M>> {
    const { result } = controlMethods[method];
    const options = this.#validates ? { result, timeoutMs } : { timeoutMs };
    return this.#control.call(method, params, options) as Promise<ControlResult<M>>;
  }

  dial(target: string, account?: string): Promise<CallInfo> {
    return this.call('call.dial', account === undefined ? { target } : { target, account });
  }

  get(call: string): Promise<CallInfo> {
    return this.call('call.get', { call });
  }

  async calls(): Promise<readonly CallInfo[]> {
    return (await this.call('calls.list', {})).calls;
  }

  hangup(call: string): Promise<unknown> {
    return this.call('call.hangup', { call });
  }

  /** Events so far; `since` is what `eventMark` gave. */
  events(name: string, since = 0): readonly PhoneEvent[] {
    return this.#events.slice(since).filter((event) => event.name === name);
  }

  get eventMark(): number {
    return this.#events.length;
  }

  /** The digits that this call's peer has pressed. */
  digits(call: string): string {
    return this.events('dtmf')
      .filter((event) => event.params['call'] === call)
      .map((event) => String(event.params['digit']))
      .join('');
  }

  /** Waits for a state, also when it is passed through quickly; `ended` ones tell how. */
  async becomes(call: string, state: State, within = 6000): Promise<CallInfo> {
    return until(
      `call ${call} to be ${state}`,
      async () => {
        const now = await this.get(call);
        if (now.state === state) return now;
        const over = now.state === 'ended' && state !== 'ended';
        if (over) throw new Error(`call ${call} is over instead of ${state}: ${describe(now)}`);
        return undefined;
      },
      { within, every: 30, seen: () => 'see the events in guest.log' },
    );
  }

  /** Waits until something is true of the call. */
  async sees(
    call: string,
    what: string,
    test: (call: CallInfo) => boolean,
    within = 6000,
  ): Promise<CallInfo> {
    let last: CallInfo | undefined;
    return until(
      `call ${call} to be ${what}`,
      async () => {
        last = await this.get(call);
        return test(last) ? last : undefined;
      },
      { within, every: 30, seen: () => (last === undefined ? '' : describe(last)) },
    );
  }

  /**
   * Waits for a call to come in that was not there at `since` (an `eventMark`), from somebody whose
   * URI has `from` in it.
   */
  async rings(since: number, options: { within?: number; from?: string } = {}): Promise<CallInfo> {
    const { within = 6000, from = '' } = options;
    const call = await until(
      'a call to come in',
      () =>
        this.events('call.changed', since).find(
          ({ params }) =>
            params['direction'] === 'incoming' && String(params['remote']).includes(from),
        ),
      { within },
    );
    return this.get(String(call.params['id']));
  }

  async account(aor: string): Promise<AccountInfo> {
    const { accounts } = await this.call('accounts.list', {});
    const found = accounts.find((account) => account.aor === aor);
    if (found === undefined) throw new Error(`no account ${aor}`);
    return found;
  }

  async registration(
    aor: string,
    state: AccountInfo['state'],
    within = 6000,
  ): Promise<AccountInfo> {
    let last: AccountInfo | undefined;
    return until(
      `${aor} to be ${state}`,
      async () => {
        last = await this.account(aor);
        return last.state === state ? last : undefined;
      },
      { within, every: 30, seen: () => `it is ${last?.state}: ${last?.status} ${last?.reason}` },
    );
  }

  /** Waits until the line to the engine is up. */
  async engineConnected(within = 10_000): Promise<void> {
    let text = '';
    await until(
      'the engine to be connected',
      async () => {
        const { engine } = await this.call('status', {});
        text = engine.text;
        return engine.state === 'connected' && engine.worker === 'up';
      },
      { within, every: 30, seen: () => text },
    );
  }

  /** Calls that are left although nobody should have any; they are ended by and by. */
  async leftovers(within = 3000): Promise<string | undefined> {
    let calls: readonly CallInfo[] = [];
    try {
      await until(
        'all calls to be over',
        async () => {
          calls = await this.calls();
          return calls.length === 0;
        },
        { within },
      );
      return undefined;
    } catch {
      return `calls are left behind: ${calls.map((call) => `${call.id} ${describe(call)}`).join('; ')}`;
    }
  }

  async close(): Promise<void> {
    await this.#control.close();
  }
}

function describe(call: CallInfo): string {
  const end = call.end === null ? '' : ` by ${call.end.by}: ${call.end.status} ${call.end.reason}`;
  const held = call.held ? ', held' : call.remoteHeld ? ', held by the peer' : '';
  return `${call.state}${end}${held}, ${call.media.rxPackets} packets received`;
}
