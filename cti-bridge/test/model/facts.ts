import * as fc from 'fast-check';
import type { ConnectionFact, Fact } from '../../src/model/facts.ts';
import { connectionRole, connectionState } from '../../src/model/terms.ts';
import type { Device } from '../../src/model/things.ts';

/** A connection fact with the unimportant left out. */
export function fact(
  key: string,
  state: ConnectionFact['state'],
  rest: Partial<ConnectionFact> = {},
): ConnectionFact {
  return { kind: 'connection', key, call: 'call-1', role: 'called', state, ...rest };
}

export function station(id: string, rest: Partial<Device> = {}): Device {
  return { id, kind: 'station', inService: true, capabilities: [], ...rest };
}

const key = fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5');
const callKey = fc.constantFrom('a', 'b', 'c');
const deviceId = fc.constantFrom('alice', 'bob', 'carol');
const states = connectionState.exclude(['null']).options;

const connection: fc.Arbitrary<ConnectionFact> = fc
  .record({
    key,
    call: callKey,
    device: fc.option(deviceId, { nil: undefined }),
    role: fc.constantFrom(...connectionRole.options),
    state: fc.constantFrom(...states),
    party: fc.record({ number: fc.constantFrom('1', '2') }),
  })
  .map((one) => ({ kind: 'connection', ...one }));

const device = fc
  .record({ id: deviceId, inService: fc.boolean() })
  .map(({ id, inService }) => station(id, { inService }));

const snapshot = fc
  .record({
    connections: fc.uniqueArray(connection, { selector: (one) => one.key }),
    devices: fc.uniqueArray(device, { selector: (one) => one.id }),
  })
  .map((one) => ({ kind: 'snapshot' as const, ...one }));

/** Facts in no order at all: of calls that are over, unknown, merged twice. */
export const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  { weight: 8, arbitrary: connection },
  {
    weight: 3,
    arbitrary: fc.record({ key, diverted: fc.boolean() }).map((one) => ({
      kind: 'cleared' as const,
      ...one,
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        from: callKey,
        into: callKey,
        reason: fc.constantFrom('transfer' as const, 'conference' as const),
      })
      .map((one) => ({ kind: 'merged' as const, ...one })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ call: callKey })
      .map((one) => ({ kind: 'transferred' as const, ...one })),
  },
  { weight: 1, arbitrary: key.map((one) => ({ kind: 'digits' as const, key: one, digits: '5' })) },
  { weight: 1, arbitrary: device.map((one) => ({ kind: 'device' as const, device: one })) },
  { weight: 1, arbitrary: deviceId.map((id) => ({ kind: 'deviceRemoved' as const, id })) },
  { weight: 1, arbitrary: snapshot },
);

export { snapshot as anySnapshot };
