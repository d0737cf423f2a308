import { describe, expect, it } from 'vitest';
import { Headers } from '../../src/ua/message/headers.ts';
import {
  accountIdentity,
  grantedSeconds,
  staleBindings,
} from '../../src/ua/registration/bindings.ts';

describe('the bindings that a registrar lists', () => {
  const identity = accountIdentity('thin client 7', 'sip:alice@example.com');
  const uri = `sip:alice@192.0.2.1:5060;transport=tcp;oh=${identity.mark}`;
  const rewritten = `sip:alice@192.0.2.1:50726;transport=TCP;oh=${identity.mark}`;
  const old = `sip:alice@192.0.2.1:40000;transport=TCP;oh=${identity.mark}`;
  const listed = Headers.of([
    ['contact', `<${rewritten}>;expires=120`],
    ['contact', `<${old}>;expires=60`],
    ['expires', '300'],
  ]);

  it('hold ours under the source of the request, where the registrar puts that into Contact', () => {
    const current = { uri, seenAs: { address: '192.0.2.1', port: 50_726 } };
    expect(staleBindings(listed, identity, current)).toEqual([old]);
    expect(grantedSeconds(listed, current, 600)).toBe(120);
  });

  it('are taken for stale when nothing shows that they are ours', () => {
    const current = { uri, seenAs: undefined };
    expect(staleBindings(listed, identity, current)).toEqual([rewritten, old]);
    expect(grantedSeconds(listed, current, 600)).toBe(300);
  });
});
