import type { DialogTable, WatchedDialog } from '@offhook/signaling/documents';
import { describe, expect, it } from 'vitest';
import type { Fact } from '../../src/model/facts.ts';
import { DialogBook } from '../../src/sip/dialog-book.ts';

const PHONES = ['alice', 'bob', 'carol'].map((id) => ({ id, uri: `sip:${id}@pbx` }));

function dialog(callId: string, more: Partial<WatchedDialog> = {}): WatchedDialog {
  return {
    id: callId,
    state: 'confirmed',
    direction: 'initiator',
    callId,
    localTag: 'l',
    remoteTag: 'r',
    remote: undefined,
    remoteTarget: undefined,
    held: false,
    replaces: undefined,
    referredBy: undefined,
    end: { event: undefined, code: undefined },
    ...more,
  };
}

/** A book, and each phone's notifications as they come. */
function office() {
  const book = new DialogBook('sip', PHONES, []);
  let version = 0;
  const tells = (device: string, living: WatchedDialog[], ended: WatchedDialog[] = []): Fact[] => {
    const table: DialogTable = { version: version++, dialogs: living, ended };
    return book.update(device, table);
  };
  return { book, tells };
}

const callee = { direction: 'recipient' } as const;

describe('calls by dialog events', () => {
  it('are one call with one Call-ID at two phones', () => {
    const { tells } = office();
    expect(tells('alice', [dialog('c1', { state: 'trying' })])).toMatchObject([
      { kind: 'connection', call: 'sip:c1', device: 'alice', role: 'calling', state: 'initiated' },
    ]);
    expect(tells('bob', [dialog('c1', { ...callee, state: 'early' })])).toMatchObject([
      { kind: 'connection', call: 'sip:c1', device: 'bob', role: 'called', state: 'alerting' },
    ]);
  });

  it('tell hold by the rendering of the target', () => {
    const { tells } = office();
    tells('alice', [dialog('c1')]);
    expect(tells('alice', [dialog('c1', { held: true })])).toMatchObject([{ state: 'hold' }]);
  });

  it('fail with the cause of the response that refused them', () => {
    const { tells } = office();
    tells('bob', [dialog('c1', { ...callee, state: 'early' })]);
    const end = { event: 'rejected', code: 486 };
    expect(tells('bob', [], [dialog('c1', { ...callee, end })])).toMatchObject([
      { kind: 'connection', state: 'fail', cause: 'busy' },
      { kind: 'cleared', cause: 'busy' },
    ]);
  });

  it('keep their names when a transfer gives them new dialogs, in whatever order that is told', () => {
    for (const order of ['transferee first', 'target first']) {
      const { book, tells } = office();
      const alice = { uri: 'sip:alice@pbx', name: undefined };
      tells('alice', [dialog('c1', { held: true }), dialog('c2')]);
      tells('bob', [dialog('c1', { ...callee, remote: alice })]);
      tells('carol', [dialog('c2', { ...callee, remote: alice })]);
      const bob = book.legsOf('bob')[0]?.key;
      const carol = book.legsOf('carol')[0]?.key;
      const replaces = { callId: 'c2', localTag: 'l', remoteTag: 'r' };
      const steps = [
        () =>
          tells('bob', [
            dialog('c1', { ...callee, remote: alice }),
            dialog('c3', { referredBy: 'sip:alice@pbx' }),
          ]),
        () => tells('carol', [dialog('c3', { ...callee, replaces })], [dialog('c2', callee)]),
      ];
      const facts = (order === 'target first' ? steps.toReversed() : steps).flatMap((step) =>
        step(),
      );
      expect(facts).toContainEqual(
        expect.objectContaining({ kind: 'merged', from: 'sip:c2', into: 'sip:c1', by: 'alice' }),
      );
      tells('bob', [dialog('c3', { referredBy: 'sip:alice@pbx' })], [dialog('c1', callee)]);
      expect(book.legsOf('bob').map(({ key, fact }) => [key, fact.call])).toEqual([
        [bob, 'sip:c1'],
      ]);
      expect(book.legsOf('carol').map(({ key, fact }) => [key, fact.call])).toEqual([
        [carol, 'sip:c1'],
      ]);
    }
  });

  it('go on where they were when the call of a transfer fails', () => {
    const { book, tells } = office();
    const alice = { uri: 'sip:alice@pbx', name: undefined };
    const first = dialog('c1', { ...callee, remote: alice });
    const second = dialog('c2', { state: 'early', referredBy: 'sip:alice@pbx' });
    tells('bob', [first]);
    tells('bob', [first, second]);
    expect(tells('bob', [first], [second])).toMatchObject([{ state: 'connected' }]);
    expect(book.legsOf('bob')).toHaveLength(1);
  });

  it('are nobody’s when the phone is not watched any more', () => {
    const { book, tells } = office();
    tells('alice', [dialog('c1')]);
    book.lost('alice');
    expect(book.snapshot()).toMatchObject({
      connections: [],
      devices: [{ id: 'alice', inService: false }, {}, {}],
    });
  });
});
