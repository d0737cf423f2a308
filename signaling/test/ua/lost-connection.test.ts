import { describe, expect, it } from 'vitest';
import { mayLeadTo, type DialogState } from '../../src/ua/dialog/dialog-state.ts';

function dialog(remoteTarget: string, routeSet: readonly string[] = []): DialogState {
  return {
    callId: 'c',
    localTag: 'a',
    remoteTag: 'b',
    localParty: '<sip:alice@example.com>',
    remoteParty: '<sip:bob@example.com>',
    remoteTarget,
    routeSet,
    localCSeq: 1,
    role: 'uac',
    early: false,
    secure: false,
  };
}

describe('a dialog and the connection that was lost', () => {
  const pbx = { address: '192.0.2.1', port: 5060 };

  it.each([
    ['sip:bob@192.0.2.1', [], true],
    ['sip:bob@192.0.2.1:5060;transport=tcp', [], true],
    ['sip:bob@192.0.2.1:5070;transport=tcp', [], false],
    ['sip:bob@192.0.2.1;transport=tls', [], false],
    ['sip:bob@192.0.2.9', [], false],
    ['sip:bob@192.0.2.9', ['<sip:192.0.2.1;lr>'], true],
    ['sip:bob@192.0.2.1', ['<sip:192.0.2.9;lr>'], false],
    ['sip:bob@pbx.example.com', [], true],
  ] as const)('%s by way of %j: %s', (target, routes, leads) => {
    expect(mayLeadTo(dialog(target, routes), pbx)).toBe(leads);
  });

  it('knows IPv6 addresses', () => {
    const six = { address: '2001:db8::1', port: 5061 };
    expect(mayLeadTo(dialog('sips:bob@[2001:db8::1]'), six)).toBe(true);
  });
});
