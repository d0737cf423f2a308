import { describe, expect, it } from 'vitest';
import { CallModel } from '../../src/model/call-model.ts';
import type { Fact } from '../../src/model/facts.ts';
import { fact, station } from './facts.ts';

function types(model: CallModel, ...facts: readonly Fact[]): string[] {
  return facts.flatMap((one) => model.apply(one, 1).map(({ type }) => type));
}

describe('a call from one phone to another', () => {
  it('is told as CSTA has it: initiated, originated, delivered, established, cleared', () => {
    const model = new CallModel();
    expect(
      types(
        model,
        fact('a', 'initiated', { role: 'calling', device: 'alice' }),
        fact('a', 'connected', { role: 'calling', device: 'alice' }),
        fact('b', 'alerting', { device: 'bob' }),
        fact('b', 'connected', { device: 'bob' }),
        { kind: 'cleared', key: 'b' },
        { kind: 'cleared', key: 'a' },
      ),
    ).toEqual([
      'serviceInitiated',
      'originated',
      'delivered',
      'established',
      'connectionCleared',
      'connectionCleared',
    ]);
    expect(model.calls()).toEqual([]);
  });

  it('is held and retrieved', () => {
    const model = new CallModel();
    model.apply(fact('b', 'connected'), 1);
    expect(types(model, fact('b', 'hold'), fact('b', 'connected'))).toEqual(['held', 'retrieved']);
  });

  it('does not ring again after it was answered', () => {
    const model = new CallModel();
    model.apply(fact('b', 'connected'), 1);
    expect(types(model, fact('b', 'alerting'), fact('b', 'initiated'))).toEqual([]);
    expect(model.connection('b')?.state).toBe('connected');
  });

  it('stays over when its end overtook its beginning', () => {
    const model = new CallModel();
    expect(types(model, { kind: 'cleared', key: 'b' }, fact('b', 'alerting'))).toEqual([]);
  });

  it('tells a diverted connection as such', () => {
    const model = new CallModel();
    model.apply(fact('b', 'alerting', { device: 'bob' }), 1);
    const [event] = model.apply(
      { kind: 'cleared', key: 'b', diverted: true, cause: 'redirected' },
      2,
    );
    expect(event).toMatchObject({ type: 'diverted', cause: 'redirected', connection: { id: 'b' } });
  });
});

describe('calls that become one', () => {
  const model = () => {
    const one = new CallModel();
    for (const [key, call, device] of [
      ['a1', 'first', 'alice'],
      ['b', 'first', 'bob'],
      ['a2', 'second', 'alice'],
      ['c', 'second', 'carol'],
    ] as const) {
      one.apply(fact(key, 'connected', { call, device }), 1);
    }
    return one;
  };

  it('keep the ids of the first call and of every connection', () => {
    const one = model();
    const [event] = one.apply(
      { kind: 'merged', from: 'second', into: 'first', reason: 'transfer', by: 'alice' },
      2,
    );
    expect(event).toMatchObject({
      type: 'transferred',
      call: 'first',
      fromCall: 'second',
      by: 'alice',
      moved: [
        { id: 'a2', call: 'first' },
        { id: 'c', call: 'first' },
      ],
    });
    expect(one.call('first')?.connections).toHaveLength(4);
  });

  it('are found under the id of the one that went up in the other', () => {
    const one = model();
    one.apply({ kind: 'merged', from: 'second', into: 'first', reason: 'conference' }, 2);
    expect(one.call('second')?.id).toBe('first');
    one.apply(fact('d', 'alerting', { call: 'second', device: 'dora' }), 3);
    expect(one.connection('d')?.call).toBe('first');
  });

  it('are not merged twice, nor back', () => {
    const one = model();
    one.apply({ kind: 'merged', from: 'second', into: 'first', reason: 'conference' }, 2);
    const again: Fact = { kind: 'merged', from: 'second', into: 'first', reason: 'conference' };
    const back: Fact = { kind: 'merged', from: 'first', into: 'second', reason: 'conference' };
    expect(types(one, again, back)).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('tells what was missed: calls that ended, and one that was answered', () => {
    const model = new CallModel();
    model.apply({ kind: 'device', device: station('alice') }, 1);
    model.apply(fact('b', 'alerting', { device: 'bob' }), 1);
    model.apply(fact('x', 'connected', { call: 'other' }), 1);
    expect(
      types(model, {
        kind: 'snapshot',
        devices: [station('alice', { inService: false })],
        connections: [fact('b', 'connected', { device: 'bob' })],
      }),
    ).toEqual(['deviceChanged', 'established', 'connectionCleared']);
  });

  it('begins a connection anew that is in a state which it cannot have come to', () => {
    const model = new CallModel();
    model.apply(fact('b', 'connected'), 1);
    expect(
      types(model, { kind: 'snapshot', devices: [], connections: [fact('b', 'alerting')] }),
    ).toEqual(['connectionCleared', 'delivered']);
  });

  it('lets a PBX that was started anew use its names again', () => {
    const model = new CallModel();
    model.apply(fact('b', 'connected'), 1);
    model.apply({ kind: 'snapshot', devices: [], connections: [] }, 2);
    expect(types(model, fact('b', 'alerting'))).toEqual(['delivered']);
  });

  it('tells a connection that went over to another call meanwhile', () => {
    const model = new CallModel();
    model.apply(fact('b', 'connected', { call: 'first' }), 1);
    const events = model.apply(
      {
        kind: 'snapshot',
        devices: [],
        connections: [fact('b', 'connected', { call: 'second' })],
      },
      2,
    );
    expect(events).toMatchObject([{ type: 'transferred', call: 'second', fromCall: 'first' }]);
  });
});
