import { describe, expect, it } from 'vitest';
import {
  answerAfter,
  incomingDecision,
  type IncomingSituation,
} from '../../src/call/incoming-policy.ts';

const headers = (values: Readonly<Record<string, string>>) => (name: string) => values[name];

const quiet: IncomingSituation = {
  header: () => undefined,
  replaces: false,
  doNotDisturb: false,
  mustRing: false,
  forwarding: { afterMs: 20_000 },
  busy: false,
  callWaiting: true,
  autoAnswerMs: undefined,
  answerOnRequest: false,
};

describe('what becomes of an incoming call', () => {
  it.each<[string, Partial<IncomingSituation>, object]>([
    ['rings', {}, { type: 'ring' }],
    [
      'rings whatever is set, when it may be help that calls back',
      {
        mustRing: true,
        doNotDisturb: true,
        busy: true,
        callWaiting: false,
        forwarding: { always: 'sip:else@example.com', afterMs: 1 },
      },
      { type: 'ring' },
    ],
    ['knocks beside another one', { busy: true }, { type: 'ring' }],
    ['is busy without call waiting', { busy: true, callWaiting: false }, { status: 486 }],
    [
      'is refused when the person is not to be disturbed',
      { doNotDisturb: true },
      { type: 'refuse', status: 486, reason: 'Do Not Disturb' },
    ],
    [
      'goes where busy calls go when the person is not to be disturbed',
      { doNotDisturb: true, forwarding: { busy: '200', afterMs: 1 } },
      { type: 'forward', target: '200' },
    ],
    [
      'goes elsewhere before anything else',
      { doNotDisturb: true, forwarding: { always: '300', busy: '200', afterMs: 1 } },
      { type: 'forward', target: '300' },
    ],
    ['is taken by the line itself', { autoAnswerMs: 2000 }, { type: 'answer', afterMs: 2000 }],
    [
      'is not taken at a caller’s wish that is not allowed',
      { header: headers({ 'call-info': '<sip:x>;answer-after=0' }) },
      { type: 'ring' },
    ],
    [
      'is taken at a caller’s wish',
      { header: headers({ 'call-info': '<sip:x>;answer-after=3' }), answerOnRequest: true },
      { type: 'answer', afterMs: 3000 },
    ],
    [
      'is taken at once in place of another one, whatever is set',
      { replaces: true, doNotDisturb: true, forwarding: { always: '1', afterMs: 1 } },
      { type: 'answer', afterMs: 0 },
    ],
  ])('%s', (_what, change, decision) => {
    expect(incomingDecision({ ...quiet, ...change })).toMatchObject(decision);
  });
});

describe('how a caller asks to be taken', () => {
  it.each<[Readonly<Record<string, string>>, number | undefined]>([
    [{ 'call-info': '<sip:pbx>;answer-after=0' }, 0],
    [{ 'call-info': '<sip:pbx>; Answer-After="5"' }, 5000],
    [{ 'alert-info': '<http://x>;info=alert-autoanswer;delay=0' }, 0],
    [{ 'alert-info': 'info=intercom' }, 0],
    [{ 'alert-info': '<sip:x>;answer-after=1' }, 1000],
    [{ 'alert-info': '<sip:x>;answer-after=9999' }, 300_000],
    [{ 'answer-mode': 'Auto' }, 0],
    [{ 'answer-mode': 'Manual' }, undefined],
    [{ 'alert-info': '<http://x/ring.wav>;info=external' }, undefined],
    [{}, undefined],
  ])('%o means %s ms', (values, ms) => {
    expect(answerAfter(headers(values))).toBe(ms);
  });
});
