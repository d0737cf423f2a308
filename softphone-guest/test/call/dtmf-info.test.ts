import { expect, it } from 'vitest';
import { dtmfInfo, parseDtmfInfo } from '../../src/call/dtmf-info.ts';

it('a digit in an INFO comes back as it went', () => {
  expect(parseDtmfInfo(dtmfInfo('#', 200))).toEqual({ digit: '#', durationMs: 200 });
});

it.each([
  ['application/dtmf-relay', 'Signal= 5\r\nDuration= 100\r\n', { digit: '5', durationMs: 100 }],
  ['application/DTMF-Relay;x=y', 'signal=a\nduration=0', { digit: 'A', durationMs: 160 }],
  ['application/dtmf-relay', 'Signal=11\r\nDuration=90', { digit: '#', durationMs: 90 }],
  ['application/dtmf', ' 7\r\n', { digit: '7', durationMs: 160 }],
  ['application/dtmf-relay', 'Signal=99\r\n', undefined],
  ['application/dtmf-relay', '', undefined],
  ['application/sdp', 'Signal=1', undefined],
])('%s %j', (type, content, digit) => {
  expect(parseDtmfInfo({ type, content })).toEqual(digit);
});
