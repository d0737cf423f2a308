import { systemClock } from '@offhook/common';
import type { Core } from 'sip.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryNetwork } from './support/memory-network.ts';
import { OFFER, coreAgent, requestTo, type CoreAgent } from './support/core-agent.ts';

/** Random numbers that are the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function invitation(caller: CoreAgent, callee: CoreAgent): Core.OutgoingRequestMessage {
  return requestTo(caller, 'INVITE', callee.uri(), {
    headers: [`Contact: <${caller.uri().toString()}>`],
    body: OFFER,
  });
}

interface Outcome {
  answered: number;
  ended: number;
  hungUp: number;
}

describe('calls over UDP that loses packets', () => {
  const open: CoreAgent[] = [];

  beforeEach(() => {
    // sip.js has its own timers: virtual time must reach those too.
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
    });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((agent) => agent.close()));
    vi.useRealTimers();
  });

  async function pair(
    loss: number,
    seed: number,
    delegate?: Core.UserAgentCoreDelegate,
  ): Promise<{ caller: CoreAgent; callee: CoreAgent; network: MemoryNetwork; outcome: Outcome }> {
    const random = sequence(seed);
    const network = new MemoryNetwork({ clock: systemClock, lose: () => random() < loss });
    const outcome: Outcome = { answered: 0, ended: 0, hungUp: 0 };
    const layer = {
      listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
      network: network.host(),
    } as const;
    const callee = await coreAgent({
      user: 'bob',
      layer,
      delegate: delegate ?? {
        onInvite: (invite) => {
          invite.progress({ statusCode: 180 });
          setTimeout(() => {
            const { session } = invite.accept({ statusCode: 200, body: OFFER });
            session.delegate = {
              onBye: (bye) => {
                bye.accept();
                outcome.hungUp++;
              },
            };
          }, 300);
        },
      },
    });
    const caller = await coreAgent({ user: 'alice', layer });
    open.push(caller, callee);
    return { caller, callee, network, outcome };
  }

  test.each([1, 2, 3])(
    '40 calls of 40 are set up and torn down (25 percent lost, run %i)',
    async (seed) => {
      const { caller, callee, outcome } = await pair(0.25, seed);
      for (let at = 0; at < 40; at++) {
        const message = requestTo(caller, 'INVITE', callee.uri(), {
          headers: [`Contact: <${caller.uri().toString()}>`],
          body: OFFER,
        });
        caller.core.invite(message, {
          onAccept: (accepted) => {
            outcome.answered++;
            accepted.ack();
            setTimeout(() => {
              accepted.session.bye({
                onAccept: () => {
                  outcome.ended++;
                },
              });
            }, 1000);
          },
        });
        await vi.advanceTimersByTimeAsync(20);
      }
      await vi.advanceTimersByTimeAsync(100_000);
      expect(outcome).toEqual({ answered: 40, ended: 40, hungUp: 40 });
      expect(caller.layer.counters.retransmissionsSent).toBeGreaterThan(0);
    },
  );

  test('40 refusals of 40 arrive, and each is acknowledged in time', async () => {
    const { caller, callee } = await pair(0.25, 4, {
      onInvite: (invite) => {
        invite.reject({ statusCode: 486 });
      },
    });
    const statuses: (number | undefined)[] = [];
    for (let at = 0; at < 40; at++) {
      caller.core.invite(invitation(caller, callee), {
        onReject: ({ message }) => {
          statuses.push(message.statusCode);
        },
      });
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(100_000);
    expect(statuses).toEqual(Array(40).fill(486));
    const acknowledged = callee.requests.filter(({ message }) => message.method === 'ACK');
    expect(acknowledged).toHaveLength(40);
    expect(callee.core.userAgentServers.size).toBe(0);
    expect(caller.core.userAgentClients.size).toBe(0);
  });

  test('40 calls of 40 are cancelled while they ring', async () => {
    const { caller, callee } = await pair(0.25, 5, {
      onInvite: (invite) => {
        invite.progress({ statusCode: 180 });
        invite.delegate = { onCancel: () => void invite.reject({ statusCode: 487 }) };
      },
    });
    const statuses: (number | undefined)[] = [];
    for (let at = 0; at < 40; at++) {
      const request = caller.core.invite(invitation(caller, callee), {
        onReject: ({ message }) => {
          statuses.push(message.statusCode);
        },
      });
      setTimeout(() => request.cancel(), 2000);
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(100_000);
    expect(statuses).toEqual(Array(40).fill(487));
  });

  test('40 requests of 40 outside a dialog are answered', async () => {
    const { caller, callee } = await pair(0.25, 6);
    let answered = 0;
    for (let at = 0; at < 40; at++) {
      caller.core.request(requestTo(caller, 'OPTIONS', callee.uri()), {
        onAccept: () => {
          answered++;
        },
      });
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(40_000);
    expect(answered).toBe(40);
    // The user behind the layer never saw one twice.
    expect(callee.requests).toHaveLength(40);
  });
});
