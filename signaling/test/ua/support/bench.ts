import { afterEach, beforeEach, vi } from 'vitest';
import type {
  Account,
  AccountOptions,
  SdpAgent,
  UserAgent,
  UserAgentOptions,
} from '../../../src/api.ts';
import type { IncomingCall, SipCall } from '../../../src/call-api.ts';
import { createUserAgent } from '../../../src/ua/user-agent.ts';
import { MemoryNetwork } from './memory-network.ts';
import { RawPeer } from './raw-peer.ts';

export const OUR = { address: '192.0.2.1', port: 5060 };

/** An agent that numbers what it makes and writes down what it is asked. */
export class ScriptedAgent implements SdpAgent {
  readonly log: string[] = [];
  #version = 0;
  /** Thrown by the next createAnswer or acceptAnswer. */
  refuse: Error | undefined;
  readonly name: string;

  constructor(name = 'alice') {
    this.name = name;
  }

  #sdp(): string {
    this.#version += 1;
    return sdp(this.name, this.#version);
  }

  #check(): void {
    const error = this.refuse;
    if (error !== undefined) throw error;
  }

  createOffer(): Promise<string> {
    this.log.push('offer');
    return Promise.resolve(this.#sdp());
  }

  createAnswer(offer: string): Promise<string> {
    this.log.push(`answer ${origin(offer)}`);
    return Promise.resolve().then(() => {
      this.#check();
      return this.#sdp();
    });
  }

  acceptAnswer(answer: string, { provisional }: { provisional: boolean }): Promise<void> {
    this.log.push(`accept ${origin(answer)}${provisional ? ' provisional' : ''}`);
    return Promise.resolve().then(() => this.#check());
  }

  rollback(): Promise<void> {
    this.log.push('rollback');
    return Promise.resolve();
  }
}

/** A description that says whose it is and which version. */
export function sdp(name: string, version = 1): string {
  return [
    'v=0',
    `o=${name} 1 ${version} IN IP4 192.0.2.9`,
    's=-',
    'c=IN IP4 192.0.2.9',
    't=0 0',
    'm=audio 6000 RTP/AVP 0',
    '',
  ].join('\r\n');
}

/** `name version` of a description. */
function origin(text: string): string {
  const match = /^o=(\S+) \S+ (\d+)/m.exec(text);
  return `${match?.[1]} ${match?.[2]}`;
}

export interface Bench {
  readonly network: MemoryNetwork;
  readonly ua: UserAgent;
  readonly account: Account;
  readonly peer: RawPeer;
  readonly agent: ScriptedAgent;
  readonly incoming: IncomingCall[];
}

/**
 * Virtual time for every test of the file, and what a test usually wants: our user agent with one
 * account at 192.0.2.1, and a raw peer at 192.0.2.2.
 */
export function virtualTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
      now: Date.UTC(2026, 0, 1),
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export async function bench(
  options: {
    account?: Partial<AccountOptions>;
    ua?: Partial<UserAgentOptions>;
    random?: () => number;
  } = {},
): Promise<Bench> {
  const network = new MemoryNetwork();
  let seed = 0;
  const ua = await createUserAgent(
    {
      listen: [{ transport: 'udp', ...OUR }],
      product: 'Offhook test',
      instance: 'bench',
      ...options.ua,
    },
    {
      network,
      random: {
        bytes: (count) => {
          seed += 1;
          const bytes = Buffer.alloc(count);
          bytes.writeUInt32BE(seed, 0);
          return bytes;
        },
        fraction: options.random ?? (() => 0.5),
      },
    },
  );
  const account = ua.addAccount({
    aor: 'sip:alice@example.com',
    register: false,
    sessionTimer: false,
    rel100: 'off',
    ...options.account,
  });
  const peer = await RawPeer.on(network, '192.0.2.2');
  const agent = new ScriptedAgent();
  const incoming: IncomingCall[] = [];
  account.on('incoming', (call) => {
    call.useAgent(agent);
    incoming.push(call);
  });
  return { network, ua, account, peer, agent, incoming };
}

/** State changes and the end of a call, in order, as words. */
export function history(call: SipCall): string[] {
  const seen: string[] = [];
  call.on('state', (state) => seen.push(state));
  call.on('ended', ({ by, status, reason }) => seen.push(`${by} ${status} ${reason}`));
  return seen;
}
