import type { Account, UserAgent } from '../../../src/api.ts';
import type { CallJournal, CallSnapshot, IncomingCall, SipCall } from '../../../src/call-api.ts';
import { createUserAgent } from '../../../src/ua/user-agent.ts';
import { OUR, ScriptedAgent } from './bench.ts';
import { MemoryNetwork } from './memory-network.ts';

const SECRET = Buffer.alloc(32, 7);

/** A phone that can be killed and started again, with a journal that survives it. */
export class Lives {
  readonly network = new MemoryNetwork();
  /** As text, as a journal would keep it. */
  readonly journal = new Map<string, string>();
  readonly agent = new ScriptedAgent();
  calls: SipCall[] = [];
  /** Messages that the phone has sent in all its lives. */
  sent = 0;
  #ua: UserAgent | undefined;
  #account: Account | undefined;
  #alive = true;
  #killed = Promise.withResolvers<void>();
  /** Kills at the message of that number: it still leaves, or not. */
  #fate: { at: number; leaves: boolean } | undefined;

  constructor() {
    this.network.lose = (from) => {
      if (from.address !== OUR.address) return false;
      if (!this.#alive) return true;
      this.sent += 1;
      const fate = this.#fate;
      if (fate?.at !== this.sent) return false;
      this.#alive = false;
      this.#killed.resolve();
      return !fate.leaves;
    };
  }

  get account(): Account {
    if (this.#account === undefined) throw new Error('not started');
    return this.#account;
  }

  get killed(): Promise<void> {
    return this.#killed.promise;
  }

  get alive(): boolean {
    return this.#alive;
  }

  killAt(at: number, leaves: boolean): void {
    this.#fate = { at, leaves };
  }

  async start(awayMs = 0): Promise<void> {
    // A process that is no more writes nothing.
    let mine = true;
    const journal: CallJournal = {
      commit: (changes) => {
        if (!this.#alive || !mine) return;
        for (const { id, snapshot } of changes) {
          if (snapshot === undefined) this.journal.delete(id);
          else this.journal.set(id, JSON.stringify(snapshot));
        }
      },
    };
    const ua = await createUserAgent(
      {
        listen: [{ transport: 'udp', ...OUR }],
        product: 'Offhook test',
        journal,
        secret: SECRET,
        restoring: true,
      },
      { network: this.network },
    );
    this.#alive = true;
    this.#ua = ua;
    this.#bury = () => {
      mine = false;
    };
    this.#account = ua.addAccount({ aor: 'sip:alice@example.com', register: false });
    this.#account.on('incoming', (call) => {
      call.useAgent(this.agent);
      this.calls.push(call);
    });
    this.calls = [...this.journal.values()].map((text) =>
      this.account.restore(JSON.parse(text) as CallSnapshot, this.agent),
    );
    ua.restored({ awayMs });
  }

  #bury: () => void = () => undefined;

  /** Without a word: what is in the journal is what there is. */
  async kill(): Promise<void> {
    this.#alive = false;
    this.#fate = undefined;
    this.#bury();
    await this.#ua?.close({ keepCalls: true });
  }
}

export function isRinging(call: SipCall): call is IncomingCall {
  return 'answer' in call && call.state !== 'established' && call.state !== 'ended';
}
