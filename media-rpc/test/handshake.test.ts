import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commonVersion,
  receiveHello,
  startHandshake,
  type HandshakeEffect,
  type HandshakeState,
} from '../src/handshake.ts';

const never = () => {
  throw new Error('no fresh nonce was expected');
};
const greeting = (own: string, peer?: string): HandshakeState => ({ phase: 'greeting', own, peer });
const up = (own: string, peer: string): HandshakeState => ({ phase: 'up', own, peer });

describe('the handshake', () => {
  it('begins with HELLO', () => {
    expect(startHandshake('a')).toEqual({ state: greeting('a'), effects: ['send-hello'] });
  });

  it('echoes the nonce of a peer that does not know ours, and is not up', () => {
    expect(receiveHello(greeting('a'), { nonce: 'b' }, never)).toEqual({
      state: greeting('a', 'b'),
      effects: ['send-hello'],
    });
  });

  it('is not up by the echo of another nonce: that was an earlier life of ours', () => {
    const step = receiveHello(greeting('a'), { nonce: 'b', echo: 'old' }, never);
    expect(step.state.phase).toBe('greeting');
  });

  it('is up by the echo of our own nonce', () => {
    expect(receiveHello(greeting('a', 'b'), { nonce: 'b', echo: 'a' }, never)).toEqual({
      state: up('a', 'b'),
      effects: ['up'],
    });
  });

  it('echoes first when the peer has not had its nonce back', () => {
    expect(receiveHello(greeting('a', 'stale'), { nonce: 'b', echo: 'a' }, never).effects).toEqual([
      'send-hello',
      'up',
    ]);
  });

  it('answers a HELLO that was sent again, and does not start anew', () => {
    expect(receiveHello(up('a', 'b'), { nonce: 'b' }, never)).toEqual({
      state: up('a', 'b'),
      effects: ['send-hello'],
    });
    expect(receiveHello(up('a', 'b'), { nonce: 'b', echo: 'a' }, never).effects).toEqual([]);
  });

  it('starts anew, with a fresh nonce, when another life of the peer greets', () => {
    expect(receiveHello(up('a', 'b'), { nonce: 'c' }, () => 'a2')).toEqual({
      state: greeting('a2', 'c'),
      effects: ['restarted', 'send-hello'],
    });
  });

  it('brings both ends up, each with the present life of the other, whatever happened before', () => {
    // Each end may start again at any time, and what is on its way may be lost at such a time.
    const happening = fc.oneof(
      fc.constant({ type: 'deliver' as const, to: 0 as const }),
      fc.constant({ type: 'deliver' as const, to: 1 as const }),
      fc.record({
        type: fc.constant('restart' as const),
        end: fc.constantFrom(0 as const, 1 as const),
        lose: fc.boolean(),
      }),
      fc.record({
        type: fc.constant('again' as const),
        end: fc.constantFrom(0 as const, 1 as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const net = new Net();
        for (const one of happenings) {
          if (one.type === 'deliver') net.deliver(one.to);
          else if (one.type === 'restart') net.restart(one.end, one.lose);
          else net.again(one.end);
        }
        net.settle();
        const [a, b] = net.states;
        expect(a.phase).toBe('up');
        expect(b.phase).toBe('up');
        expect(a.peer).toBe(b.own);
        expect(b.peer).toBe(a.own);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('version negotiation', () => {
  it.each([
    [{ min: 1, max: 1 }, { min: 1, max: 1 }, 1],
    [{ min: 1, max: 3 }, { min: 2, max: 5 }, 3],
    [{ min: 2, max: 5 }, { min: 1, max: 3 }, 3],
    [{ min: 1, max: 2 }, { min: 3, max: 4 }, undefined],
    [{ min: 3, max: 4 }, { min: 1, max: 2 }, undefined],
  ])('of %j and %j gives %j', (a, b, version) => {
    expect(commonVersion(a, b)).toBe(version);
  });
});

type End = 0 | 1;
interface Message {
  readonly nonce: string;
  readonly echo: string | undefined;
}

/** Two ends and the messages between them. */
class Net {
  #nonces = 0;
  readonly #wires: [Message[], Message[]] = [[], []];
  readonly states: [HandshakeState, HandshakeState] = [greeting('x'), greeting('y')];

  constructor() {
    this.restart(0, false);
    this.restart(1, false);
  }

  restart(end: End, lose: boolean): void {
    if (lose) {
      this.#wires[0] = [];
      this.#wires[1] = [];
    }
    this.#enter(end, startHandshake(this.#fresh()));
  }

  /** The timer that sends HELLO again while there is no answer. */
  again(end: End): void {
    if (this.states[end].phase === 'greeting') this.#send(end);
  }

  deliver(to: End): void {
    const message = this.#wires[to].shift();
    if (message === undefined) return;
    const hello = {
      nonce: message.nonce,
      ...(message.echo === undefined ? {} : { echo: message.echo }),
    };
    this.#enter(
      to,
      receiveHello(this.states[to], hello, () => this.#fresh()),
    );
  }

  settle(): void {
    for (let round = 0; round < 200; round++) {
      if (this.#wires[0].length + this.#wires[1].length === 0) {
        if (this.states.every(({ phase }) => phase === 'up')) return;
        this.again(0);
        this.again(1);
      }
      this.deliver(0);
      this.deliver(1);
    }
    throw new Error('they never come to an end');
  }

  #enter(end: End, step: { state: HandshakeState; effects: readonly HandshakeEffect[] }): void {
    this.states[end] = step.state;
    if (step.effects.includes('send-hello')) this.#send(end);
  }

  #send(end: End): void {
    const { own, peer } = this.states[end];
    this.#wires[end === 0 ? 1 : 0].push({ nonce: own, echo: peer });
  }

  #fresh(): string {
    return `n${this.#nonces++}`;
  }
}
