import { describe, expect, it } from 'vitest';
import type { Connection } from '@offhook/cti-bridge';
import type { Call } from '../../src/call/model.ts';
import { deskCallId, deskCalls, uriOfNumber, type DeskContext } from '../../src/desk/desk-calls.ts';
import { endOfCall } from '../../src/desk/end-of-call.ts';
import { connection } from './connections.ts';

const context: DeskContext = {
  domain: 'pbx.example.com',
  account: 'desk:alice',
  nameOf: (uri) => (uri.startsWith('sip:bob@') ? 'Bob of the workshop' : undefined),
  dialled: (id) => (id === 'pbx:1.1' ? '600' : undefined),
  transfer: () => undefined,
};

function calls(connections: readonly Connection[], before: readonly Call[] = []): readonly Call[] {
  const known = new Map(before.map((call) => [call.id, call]));
  return deskCalls('alice', connections, known, context).map(({ call }) => call);
}

const dialled = (state: Connection['state'], far?: Connection['state'], since = 1000) => [
  connection('1.1', 'alice', state, { role: 'calling' }),
  ...(far === undefined ? [] : [connection('1.2', 'bob', far, { since })]),
];

describe('a call at the desk phone', () => {
  it.each([
    ['the phone rings to be taken off the hook', dialled('initiated'), 'dialing'],
    ['the PBX has the number', dialled('connected'), 'early'],
    ['the other phone rings', dialled('connected', 'alerting'), 'ringing'],
    ['it was answered', dialled('connected', 'connected'), 'established'],
    ['the other end holds', dialled('connected', 'hold'), 'established'],
    ['the other phone is busy', dialled('connected', 'fail'), 'ending'],
    ['it waits in a queue', dialled('queued'), 'early'],
    ['this end holds', dialled('hold', 'connected'), 'established'],
    ['it failed', dialled('fail'), 'ending'],
  ] as const)('when %s', (_, connections, phase) => {
    expect(calls(connections)).toMatchObject([{ phase, direction: 'outgoing', place: 'desk' }]);
  });

  it('is there when it rings, and who calls', () => {
    const ringing = [
      connection('1.1', 'bob', 'connected', { role: 'calling' }),
      connection('1.2', 'alice', 'alerting'),
    ];
    expect(calls(ringing)).toMatchObject([
      {
        phase: 'incoming',
        direction: 'incoming',
        remote: { uri: 'sip:bob@pbx.example.com', contact: 'Bob of the workshop' },
        sipCallId: 'pbx:1',
        startedAt: 1000,
        answeredAt: undefined,
      },
    ]);
  });

  it('knows what was dialled before anybody is there, and then who it is', () => {
    expect(calls(dialled('connected'))).toMatchObject([
      { remote: { uri: 'sip:600@pbx.example.com' } },
    ]);
    const far = connection('1.2', undefined, 'alerting', {
      party: { number: '+4930123', name: 'Town hall' },
    });
    expect(calls([...dialled('connected'), far])).toMatchObject([
      { remote: { uri: 'sip:+4930123@pbx.example.com', displayName: 'Town hall' } },
    ]);
  });

  it('tells who holds', () => {
    expect(calls(dialled('hold', 'connected'))).toMatchObject([
      { hold: { wanted: true, inForce: true }, remoteHeld: false },
    ]);
    expect(calls(dialled('connected', 'hold'))).toMatchObject([
      { hold: { wanted: false, inForce: false }, remoteHeld: true },
    ]);
  });

  it('is a conference when more than one is at the far end', () => {
    const third = connection('1.3', 'carol', 'connected', { party: { name: 'Carol' } });
    const [call] = calls([...dialled('connected', 'connected'), third]);
    expect(call).toMatchObject({ remote: { displayName: 'bob, Carol' } });
    expect(call?.conference).toBe(call?.id);
  });

  it('keeps its beginning, its answer and its party through hold and transfer', () => {
    const before = calls(dialled('connected', 'connected', 1500));
    expect(before).toMatchObject([{ startedAt: 1000, answeredAt: 1500 }]);
    const held = dialled('hold', 'connected', 1500).map((one) => ({ ...one, since: 2000 }));
    expect(calls(held, before)).toMatchObject([{ startedAt: 1000, answeredAt: 1500 }]);
    // The far end is on its way to somebody else: nobody is told of.
    expect(calls(dialled('connected'), before)).toMatchObject([
      { phase: 'established', remote: { uri: 'sip:bob@pbx.example.com' } },
    ]);
  });

  it('is named the same in every process, and none of other phones is taken for one', () => {
    expect(deskCallId('pbx:1.1')).toBe(deskCallId('pbx:1.1'));
    expect(deskCallId('pbx:1.1')).toMatch(/^[a-z2-9]{6}$/);
    expect(deskCallId('pbx:1.1')).not.toBe(deskCallId('pbx:1.2'));
    expect(calls([connection('2.1', 'bob', 'connected')])).toEqual([]);
  });

  it('has a URI that can be called, or nobody’s', () => {
    expect(uriOfNumber('*8#', 'pbx')).toBe('sip:*8%23@pbx');
    expect(uriOfNumber('a b', 'pbx')).toBe('sip:anonymous@anonymous.invalid');
    expect(uriOfNumber(undefined, 'pbx')).toBe('sip:anonymous@anonymous.invalid');
  });
});

describe('the end of a call at the desk phone', () => {
  it.each([
    ['busy', false, { by: 'remote', status: 486, reason: 'busy' }],
    ['normalClearing', false, { by: 'remote', status: 200, reason: '' }],
    ['normalClearing', true, { by: 'local', status: 200, reason: '' }],
    ['networkNotObtainable', false, { by: 'network', status: 503, reason: 'no line' }],
    ['transfer', true, { by: 'local', status: 200, reason: 'handed on' }],
    [undefined, true, { by: 'local', status: 200, reason: '' }],
    [undefined, false, { by: 'network', status: 0, reason: /while the CTI bridge was away/ }],
  ] as const)('%s, by us: %s', (cause, byUs, end) => {
    const { reason, ...rest } = endOfCall({ cause, byUs });
    const { reason: wanted, ...others } = end;
    expect(rest).toEqual(others);
    expect(reason).toMatch(wanted);
  });
});
