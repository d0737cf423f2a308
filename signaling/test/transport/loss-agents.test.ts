import { systemClock } from '@offhook/common';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SdpAgent, UserAgent } from '../../src/api.ts';
import { createUserAgent } from '../../src/ua/user-agent.ts';
import { OFFER } from './support/core-agent.ts';
import { MemoryNetwork } from './support/memory-network.ts';

const open: UserAgent[] = [];

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
  });
});

afterEach(async () => {
  const closing = Promise.all(open.splice(0).map((agent) => agent.close({ timeoutMs: 10 })));
  await vi.advanceTimersByTimeAsync(2000);
  await closing;
  vi.useRealTimers();
});

const agentOfSdp: SdpAgent = {
  createOffer: async () => OFFER.content,
  createAnswer: async () => OFFER.content,
  acceptAnswer: async () => undefined,
  rollback: async () => undefined,
};

function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([7, 8])(
  '40 calls of 40 between user agents are set up and torn down (25 percent lost, run %i)',
  async (seed) => {
    const random = sequence(seed);
    const network = new MemoryNetwork({ clock: systemClock, lose: () => random() < 0.25 });
    const make = async (port: number): Promise<UserAgent> => {
      const listen = [{ transport: 'udp', address: '127.0.0.1', port }] as const;
      const agent = await createUserAgent({ listen }, { network: network.host() });
      open.push(agent);
      return agent;
    };
    const [caller, callee] = [await make(5001), await make(5002)];
    const alice = caller.addAccount({ aor: 'sip:alice@127.0.0.1', register: false });
    const bob = callee.addAccount({ aor: 'sip:bob@127.0.0.1', register: false });
    const count = { taken: 0, answered: 0, endedThere: 0, endedHere: 0 };
    bob.on('incoming', (call) => {
      count.taken++;
      call.useAgent(agentOfSdp);
      call.on('ended', () => count.endedThere++);
      void call.answer();
    });
    for (let at = 0; at < 40; at++) {
      const call = alice.invite('sip:bob@127.0.0.1:5002', agentOfSdp);
      call.on('established', () => {
        count.answered++;
        setTimeout(() => void call.hangup(), 1000);
      });
      call.on('ended', ({ status }) => {
        if (status === 200) count.endedHere++;
      });
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(120_000);
    expect(count).toEqual({ taken: 40, answered: 40, endedThere: 40, endedHere: 40 });
  },
);
