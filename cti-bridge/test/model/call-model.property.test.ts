import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallModel } from '../../src/model/call-model.ts';
import type { Fact } from '../../src/model/facts.ts';
import { Mirror } from '../../src/model/mirror.ts';
import type { CtiEvent, ModelSnapshot } from '../../src/model/things.ts';
import { anyFact, anySnapshot, fact } from './facts.ts';

const RUNS = 500;

function feed(model: CallModel, facts: readonly Fact[]): CtiEvent[] {
  return facts.flatMap((one, at) => [...model.apply(one, at)]);
}

function sorted({ devices, connections }: ModelSnapshot): ModelSnapshot {
  return {
    devices: devices.toSorted((a, b) => a.id.localeCompare(b.id)),
    connections: connections.toSorted((a, b) => a.id.localeCompare(b.id)),
  };
}

describe('the model, whatever a PBX tells in whatever order', () => {
  it('gives a client that applies the events the state that it has itself', () => {
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 60 }), fc.nat(60), (facts, from) => {
        const model = new CallModel();
        feed(model, facts.slice(0, from));
        const mirror = new Mirror(model.snapshot());
        for (const event of feed(model, facts.slice(from))) mirror.apply(event);
        expect(
          sorted({
            devices: [...mirror.devices()],
            connections: [...mirror.connections()],
          }),
        ).toEqual(sorted(model.snapshot()));
      }),
      { numRuns: RUNS },
    );
  });

  it('tells nothing when a fact comes again at once', () => {
    const repeatable = anyFact.filter(({ kind }) => kind !== 'digits' && kind !== 'transferred');
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 30 }), repeatable, (facts, last) => {
        const model = new CallModel();
        feed(model, [...facts, last]);
        expect(model.apply(last, 99)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('ends with the snapshot, whatever was told before', () => {
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 40 }), anySnapshot, (facts, snapshot) => {
        const model = new CallModel();
        feed(model, [...facts, snapshot]);
        const told = sorted(model.snapshot());
        expect(told.connections.map(({ id, state }) => [id, state])).toEqual(
          snapshot.connections
            .map(({ key, state }) => [key, state])
            .toSorted(([a], [b]) => String(a).localeCompare(String(b))),
        );
        expect(told.devices.map(({ id }) => id)).toEqual(
          snapshot.devices.map(({ id }) => id).toSorted(),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('never retrieves what is not held, and tells nothing of what is over but by a snapshot', () => {
    const steps = anyFact.filter(({ kind }) => kind !== 'snapshot');
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (facts) => {
        const states = new Map<string, string>();
        for (const event of feed(new CallModel(), facts)) {
          const { connection, type } = event;
          if (connection === undefined) continue;
          const before = states.get(connection.id);
          expect(before).not.toBe('null');
          expect(type === 'retrieved' ? before : 'hold').toBe('hold');
          expect(type === 'originated' ? connection.role : 'calling').toBe('calling');
          expect(type === 'connectionCleared' ? before : 'known').toBeDefined();
          states.set(connection.id, connection.state);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('has every connection in exactly one call, and in the list of its device', () => {
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 60 }), (facts) => {
        const model = new CallModel();
        feed(model, facts);
        const { connections } = model.snapshot();
        const inCalls = model.calls().flatMap((call) => call.connections);
        expect(inCalls).toHaveLength(connections.length);
        for (const one of connections) {
          expect(model.call(one.call)?.connections).toContainEqual(one);
          const list = one.device === undefined ? [one] : model.connectionsOf(one.device);
          expect(list).toContainEqual(one);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('drops numbered facts that were overtaken, in any order and however often they come', () => {
    const course = ['initiated', 'alerting', 'connected', 'hold', 'connected'] as const;
    const facts = course.map((state, revision) => fact('k', state, { revision }));
    const shuffled = fc
      .shuffledSubarray([...facts, ...facts], { minLength: 1 })
      .filter((some) => some.some(({ revision }) => revision === facts.length - 1));
    fc.assert(
      fc.property(shuffled, (some) => {
        const model = new CallModel();
        feed(model, some);
        expect(model.connection('k')?.state).toBe('connected');
      }),
      { numRuns: RUNS },
    );
  });
});
