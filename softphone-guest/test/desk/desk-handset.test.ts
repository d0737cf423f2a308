import { OffhookError } from '@offhook/common';
import type { ServiceName } from '@offhook/cti-bridge';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Line } from '../../src/call/call-manager.ts';
import { deskCallId } from '../../src/desk/desk-calls.ts';
import { connection, station } from './connections.ts';
import { fakeDesk } from './fake-bridge.ts';

const EVERYTHING: ServiceName[] = [
  'makeCall',
  'answerCall',
  'clearConnection',
  'holdCall',
  'retrieveCall',
  'alternateCall',
  'consultationCall',
  'transferCall',
  'singleStepTransfer',
  'deflectCall',
  'directedPickup',
  'conferenceCall',
  'generateDigits',
  'setDoNotDisturb',
  'setForwarding',
  'parkCall',
];
const ANY = {} as Line;
const first = deskCallId('pbx:1.1');
const second = deskCallId('pbx:2.1');

let fake: ReturnType<typeof fakeDesk>;

beforeEach(() => {
  fake = fakeDesk();
});

/** Alice talks with Bob. */
function talking(state: 'connected' | 'hold' = 'connected') {
  return [
    connection('1.1', 'alice', state, { role: 'calling' }),
    connection('1.2', 'bob', 'connected'),
  ];
}

function withCarol() {
  const call = 'pbx:2';
  return [
    connection('2.1', 'alice', 'connected', { role: 'calling', call, since: 2000 }),
    connection('2.2', 'carol', 'connected', { call }),
  ];
}

describe('the desk phone', () => {
  it('dials what a person dials, and shows the call with it', async () => {
    fake.bridge.come([station('alice', EVERYTHING)]);
    fake.bridge.answer = () => {
      fake.bridge.tell('serviceInitiated', connection('1.1', 'alice', 'initiated'));
      return { call: 'pbx:1', connection: 'pbx:1.1' };
    };
    const call = await fake.desk.dial(ANY, 'sip:600@elsewhere');
    expect(fake.bridge.asked).toEqual(['makeCall {"device":"alice","to":"600"}']);
    expect(call.call).toMatchObject({ remote: { uri: 'sip:600@pbx.example.com' } });
  });

  it.each(['sip:tel@a:b@c', 'a,b', ''])('does not dial %j', async (target) => {
    fake.bridge.come([station('alice', EVERYTHING)]);
    await expect(fake.desk.dial(ANY, target)).rejects.toMatchObject({ code: 'bad-target' });
    expect(fake.bridge.asked).toEqual([]);
  });

  it.each([
    [EVERYTHING, ['consultationCall {"connection":"pbx:1.1","to":"carol"}']],
    [
      ['makeCall', 'holdCall'],
      ['holdCall {"connection":"pbx:1.1"}', 'makeCall {"device":"alice","to":"carol"}'],
    ],
    [['makeCall'], ['makeCall {"device":"alice","to":"carol"}']],
  ] as const)('calls a second time as it can', async (services, asked) => {
    fake.bridge.come([station('alice', [...services])], talking());
    fake.bridge.answer = (service) => {
      if (service === 'holdCall') return {};
      fake.bridge.tell('originated', ...withCarol());
      return { connection: 'pbx:2.1' };
    };
    await fake.desk.dial(ANY, 'carol');
    expect(fake.bridge.asked).toEqual(asked);
  });

  it.each([
    ['answer', () => fake.desk.answer(first), 'answerCall {"connection":"pbx:1.1"}'],
    ['hang up', () => fake.desk.hangup(first), 'clearConnection {"connection":"pbx:1.1"}'],
    ['hold', () => fake.desk.hold(first), 'holdCall {"connection":"pbx:1.1"}'],
    [
      'send digits',
      () => fake.desk.dtmf(first, '12#'),
      'generateDigits {"connection":"pbx:1.1","digits":"12#"}',
    ],
    [
      'redirect',
      () => fake.desk.redirect(first, ['dave']),
      'deflectCall {"connection":"pbx:1.1","to":"dave"}',
    ],
    [
      'hand on',
      () => fake.desk.transfer(first, 'dave'),
      'singleStepTransfer {"connection":"pbx:1.1","to":"dave"}',
    ],
    ['park', () => fake.desk.park(first), 'parkCall {"connection":"pbx:1.1"}'],
  ])('is asked to %s', async (_, work, asked) => {
    fake.bridge.come([station('alice', EVERYTHING)], talking());
    await work();
    expect(fake.bridge.asked).toEqual([asked]);
  });

  it('hands on to what the number rules make of a number', async () => {
    fake.bridge.come([station('alice', EVERYTHING)], talking());
    await fake.desk.transfer(first, '0900');
    expect(fake.bridge.asked).toEqual(['singleStepTransfer {"connection":"pbx:1.1","to":"*0900"}']);
  });

  it('swaps, joins and hands over two calls', async () => {
    fake.bridge.come([station('alice', EVERYTHING)], [...talking('hold'), ...withCarol()]);
    await fake.desk.swap();
    await fake.desk.join([second, first]);
    await fake.desk.attended(first, second);
    const both = '{"held":"pbx:1.1","active":"pbx:2.1"}';
    expect(fake.bridge.asked).toEqual([
      `alternateCall ${both}`,
      `conferenceCall ${both}`,
      `transferCall ${both}`,
    ]);
  });

  it('takes a call off hold', async () => {
    fake.bridge.come([station('alice', EVERYTHING)], talking('hold'));
    await fake.desk.resume(first);
    expect(fake.bridge.asked).toEqual(['retrieveCall {"connection":"pbx:1.1"}']);
  });

  it('picks up what it sees ring elsewhere, else by feature code', async () => {
    const ringing = connection('3.2', 'bob', 'alerting', { call: 'pbx:3' });
    fake.bridge.come([station('alice', EVERYTHING)], [ringing]);
    fake.bridge.answer = (service) => {
      if (service === 'directedPickup') fake.bridge.tell('established', ...talking());
      else fake.bridge.tell('originated', ...withCarol());
      return { connection: 'pbx:2.1' };
    };
    expect(await fake.desk.pickup(ANY, 'bob')).toMatchObject({ id: first });
    fake.bridge.tell('connectionCleared', { ...connection('1.1', 'alice', 'null'), call: 'pbx:1' });
    expect(await fake.desk.pickup(ANY, 'carol')).toMatchObject({ id: second });
    expect(fake.bridge.asked).toEqual([
      'directedPickup {"connection":"pbx:3.2","device":"alice"}',
      'makeCall {"device":"alice","to":"*8carol"}',
    ]);
  });

  it('is set to do not disturb and to forward, and only what changes is asked for', async () => {
    const forwarding = [{ type: 'busy' as const, to: 'carol' }];
    fake.bridge.come([{ ...station('alice', EVERYTHING), forwarding }]);
    await fake.desk.setDoNotDisturb(true);
    await fake.desk.setForwarding({ always: 'bob' });
    expect(fake.bridge.asked).toEqual([
      'setDoNotDisturb {"device":"alice","on":true}',
      'setForwarding {"device":"alice","type":"immediate","to":"bob"}',
      'setForwarding {"device":"alice","type":"busy","to":null}',
    ]);
  });
});

describe('what the desk phone cannot do', () => {
  it.each([
    ['hold', () => fake.desk.hold(first), /alice cannot be made to hold: holdCall is not among/],
    ['mute', () => fake.desk.mute(first), /cannot be muted from here: there is no service/],
    ['take off hold', () => fake.desk.resume(first), /retrieveCall is not among/],
  ])('is refused in words: %s', async (_, work, words) => {
    fake.bridge.come([station('alice', ['makeCall'])], talking());
    await expect(work()).rejects.toMatchObject({ layer: 'call', code: 'not-supported' });
    await expect(work()).rejects.toThrow(words);
    expect(fake.bridge.asked).toEqual([]);
  });

  it('is told with the reasons', () => {
    fake.bridge.come([station('alice', EVERYTHING)]);
    expect(fake.line.status.cannot.map(({ command }) => command)).toEqual([
      'mute',
      'record',
      'leave',
    ]);
  });
});

describe('calls at the desk phone', () => {
  it('end as the PBX says, and are remembered', () => {
    fake.bridge.come([station('alice', EVERYTHING)]);
    const calling = connection('1.1', 'alice', 'connected', { role: 'calling' });
    fake.bridge.tell('originated', calling);
    const busy = connection('1.2', 'bob', 'fail', { cause: 'busy' });
    fake.bridge.tell('failed', busy);
    fake.bridge.tell('connectionCleared', { ...calling, state: 'null', cause: 'normalClearing' });
    expect(fake.desk.list()).toEqual([]);
    expect(fake.history.list()).toMatchObject([
      { call: { place: 'desk', phase: 'ended', end: { by: 'remote', status: 486 } } },
    ]);
  });

  it('stand as they were while the bridge is gone, and are put right after', async () => {
    fake.bridge.come([station('alice', EVERYTHING)], talking());
    fake.bridge.go();
    expect(fake.line.status).toMatchObject({
      state: 'disconnected',
      text: 'desk phone alice: the CTI bridge is gone (the bridge is gone); calls at the phone go on',
    });
    expect(fake.desk.list()).toMatchObject([{ id: first, call: { phase: 'established' } }]);
    await expect(fake.desk.hangup(first)).rejects.toMatchObject({ code: 'desk-phone-gone' });
    fake.bridge.come([station('alice', EVERYTHING)], withCarol());
    expect(fake.desk.list().map(({ id }) => id)).toEqual([second]);
    const [entry] = fake.history.list();
    expect(entry?.call.id).toBe(first);
    expect(entry?.call.end?.reason).toContain('CTI bridge was away');
  });

  it('outlast a bridge that was started anew and has not found its PBX yet', async () => {
    fake.bridge.come([station('alice', EVERYTHING)], talking());
    fake.bridge.go();
    fake.bridge.come([]);
    expect(fake.line.status.state).toBe('no-device');
    expect(fake.desk.list()).toHaveLength(1);
    fake.bridge.device(station('alice', EVERYTHING));
    fake.bridge.tell('established', ...talking('hold'));
    await fake.clock.advance(2000);
    expect(fake.desk.list()).toMatchObject([{ id: first, call: { hold: { inForce: true } } }]);
    expect(fake.history.list()).toEqual([]);
  });

  it('say that the token is no longer good', () => {
    fake.bridge.come([station('alice', EVERYTHING)]);
    fake.bridge.go('the token has expired', 'unauthenticated');
    expect(fake.line.status.text).toContain('refuses the token (the token has expired)');
  });

  it('stay as they are when the bridge refuses', async () => {
    fake.bridge.come([station('alice', EVERYTHING)], talking());
    fake.bridge.answer = () => new OffhookError('cti', 'pbx-refused', 'no');
    await expect(fake.desk.transfer(first, 'dave')).rejects.toMatchObject({ code: 'pbx-refused' });
    expect(fake.desk.list()).toMatchObject([
      { call: { phase: 'established', transfer: { state: 'failed', reason: 'no' } } },
    ]);
  });

  it('tell the keys that the far end presses', () => {
    const pressed: string[] = [];
    fake.line.events.on('dtmf', ({ call, digit }) => pressed.push(`${call} ${digit}`));
    fake.bridge.come([station('alice', EVERYTHING)], talking());
    const event = (id: string, device: string) => ({
      type: 'digitsGenerated' as const,
      cause: 'normal' as const,
      at: 0,
      call: 'pbx:1',
      connection: connection(id, device, 'connected'),
      digits: '5',
    });
    const call = { id: 'pbx:1', connections: talking() };
    fake.bridge.events.emit('event', { seq: 1, event: event('1.2', 'bob'), call });
    fake.bridge.events.emit('event', { seq: 2, event: event('1.1', 'alice'), call });
    expect(pressed).toEqual([`${first} 5`]);
  });
});
