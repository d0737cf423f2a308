import { ManualClock, OffhookError, silentLogger } from '@offhook/common';
import { mediaError } from '@offhook/media-rpc';
import type { CallWill } from '@offhook/signaling';
import { afterEach, describe, expect, it } from 'vitest';
import { WillKeeper } from '../../src/call/will-keeper.ts';
import type { MediaPort } from '../../src/media-port.ts';

const will = (cseq: number): CallWill => ({
  transport: 'udp',
  address: '192.0.2.1',
  port: 5060,
  message: `BYE sip:bob@192.0.2.1 SIP/2.0\r\nCSeq: ${cseq} BYE\r\n\r\n`,
  branch: `z9hG4bK${cseq}`,
});

const keepers: WillKeeper[] = [];
afterEach(() => {
  for (const keeper of keepers.splice(0)) keeper.close();
});

function keep() {
  const clock = new ManualClock();
  const calls: { method: string; params: unknown }[] = [];
  const state = {
    will: will(2) as CallWill | undefined,
    connected: true,
    open: true,
    failure: undefined as Error | undefined,
  };
  const port: MediaPort = {
    get connected() {
      return state.connected;
    },
    call(method, params) {
      calls.push({ method, params });
      return state.failure === undefined
        ? Promise.resolve({} as never)
        : Promise.reject(state.failure);
    },
  };
  const keeper = new WillKeeper({
    id: 'abc',
    sip: { will: () => Promise.resolve(state.will) },
    port: () => port,
    open: () => state.open,
    clock,
    logger: silentLogger,
  });
  keepers.push(keeper);
  return { clock, calls, state, keeper };
}

describe('the last will of a call', () => {
  it('is deposited with what answers it', async () => {
    const { calls, keeper } = keep();
    keeper.refresh();
    await expect.poll(() => calls.length).toBe(1);
    expect(calls[0]).toEqual({
      method: 'will.set',
      params: {
        session: 'abc',
        transport: 'udp',
        destination: { address: '192.0.2.1', port: 5060 },
        bytes: Buffer.from(will(2).message).toString('base64'),
        match: {
          begins: expect.arrayContaining(['SIP/2.0 2', 'SIP/2.0 4']),
          contains: ['z9hG4bK2'],
        },
      },
    });
  });

  it('is deposited again when the dialog has changed, and only then', async () => {
    const { calls, keeper, state, clock } = keep();
    keeper.refresh();
    await expect.poll(() => calls.length).toBe(1);
    keeper.refresh();
    await clock.advance(30_000);
    expect(calls).toHaveLength(1);
    state.will = will(4);
    await clock.advance(10_000);
    await expect.poll(() => calls.length).toBe(2);
  });

  it('is deposited with an engine that may not have it', async () => {
    const { calls, keeper } = keep();
    keeper.refresh();
    await expect.poll(() => calls.length).toBe(1);
    keeper.forget();
    await expect.poll(() => calls.length).toBe(2);
  });

  it('waits for an engine, and for a session there', async () => {
    const { calls, keeper, state, clock } = keep();
    state.connected = false;
    keeper.refresh();
    await clock.advance(20_000);
    state.connected = true;
    state.open = false;
    await clock.advance(20_000);
    expect(calls).toEqual([]);
    state.open = true;
    await clock.advance(10_000);
    await expect.poll(() => calls.length).toBe(1);
  });

  it('is taken back where there can be none any more', async () => {
    const { calls, keeper, state } = keep();
    keeper.refresh();
    await expect.poll(() => calls.length).toBe(1);
    state.will = undefined;
    keeper.refresh();
    await expect
      .poll(() => calls.at(-1))
      .toEqual({
        method: 'will.remove',
        params: { session: 'abc' },
      });
  });

  it.each([
    ['an older engine', new OffhookError('rpc', 'unknown-method', 'no method will.set')],
    ['a strict policy', mediaError('not-allowed')],
    ['a broken channel', new OffhookError('channel', 'closed', 'gone')],
  ])('costs the call nothing with %s, and is tried again', async (_who, failure) => {
    const { calls, keeper, state, clock } = keep();
    state.failure = failure;
    keeper.refresh();
    await expect.poll(() => calls.length).toBe(1);
    state.failure = undefined;
    await clock.advance(10_000);
    await expect.poll(() => calls.length).toBe(2);
  });

  it('is no business of a call that is over', async () => {
    const { calls, keeper, clock } = keep();
    keeper.close();
    keeper.refresh();
    await clock.advance(60_000);
    expect(calls).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
