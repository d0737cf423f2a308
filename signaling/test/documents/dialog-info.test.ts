import { describe, expect, it } from 'vitest';
import { applyDialogInfo, type DialogTable } from '../../src/documents/index.ts';

const info = (version: number, state: 'full' | 'partial', dialogs: string): string =>
  `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="${state}" entity="sip:bob@x">${dialogs}</dialog-info>`;
const dialog = (id: string, state: string, more = ''): string =>
  `<dialog id="${id}" direction="recipient"${more}><state>${state}</state><remote><identity display="Carol &amp; Co">sip:carol@x</identity></remote></dialog>`;

describe('dialog-info (RFC 4235)', () => {
  it('tells the dialogs of a phone, and what replaces them', () => {
    const ids = ' call-id="c1" local-tag="lt" remote-tag="rt"';
    const table = applyDialogInfo(undefined, info(1, 'full', dialog('a', 'early', ids)));
    expect(table?.dialogs).toMatchObject([
      {
        id: 'a',
        state: 'early',
        direction: 'recipient',
        callId: 'c1',
        localTag: 'lt',
        remoteTag: 'rt',
        remote: { uri: 'sip:carol@x', name: 'Carol & Co' },
      },
    ]);
  });

  it('changes by partial notifications, and begins anew by a full one', () => {
    let table: DialogTable | undefined;
    const take = (body: string) =>
      (table = applyDialogInfo(table, body) ?? table)?.dialogs.map(
        ({ id, state }) => `${id} ${state}`,
      );
    expect(take(info(1, 'full', dialog('a', 'confirmed')))).toEqual(['a confirmed']);
    expect(take(info(2, 'partial', dialog('b', 'early')))).toEqual(['a confirmed', 'b early']);
    expect(take(info(2, 'partial', dialog('b', 'terminated')))).toEqual(['a confirmed', 'b early']);
    expect(take(info(3, 'partial', dialog('a', 'terminated')))).toEqual(['b early']);
    expect(take(info(0, 'full', ''))).toEqual([]);
  });

  it.each([
    'nonsense',
    '',
    '<dialog-info/>',
    info(1, 'full', '').replace('full', 'half'),
    '<!DOCTYPE x [<!ENTITY a "aaaa">]><dialog-info version="1" state="full"/>',
    info(1, 'full', dialog('a', 'early').repeat(1000)),
  ])('takes no nonsense: %.40s', (body) => {
    expect(applyDialogInfo(undefined, body)).toBeUndefined();
  });

  it('tells which have ended, and why', () => {
    const before = applyDialogInfo(undefined, info(1, 'full', dialog('a', 'early')));
    const busy = dialog('a', 'terminated').replace(
      '<state>',
      '<state event="rejected" code="486">',
    );
    const after = applyDialogInfo(before, info(2, 'partial', busy));
    expect(after?.dialogs).toEqual([]);
    expect(after?.ended).toMatchObject([{ id: 'a', end: { event: 'rejected', code: 486 } }]);
    expect(applyDialogInfo(before, info(3, 'full', ''))?.ended).toMatchObject([{ id: 'a' }]);
  });

  it('tells hold, and whose place a dialog has taken', () => {
    const more =
      '<replaces call-id="c0" local-tag="x" remote-tag="y"/><referred-by>sip:alice@x</referred-by>' +
      '<local><target uri="sip:bob@y"><param pname="+sip.rendering" pval="no"/></target></local>';
    const body = dialog('a', 'confirmed').replace(
      '<remote>',
      `${more}<remote><target uri="sip:z"/>`,
    );
    expect(applyDialogInfo(undefined, info(1, 'full', body))?.dialogs).toMatchObject([
      {
        held: true,
        replaces: { callId: 'c0', localTag: 'x', remoteTag: 'y' },
        referredBy: 'sip:alice@x',
        remoteTarget: 'sip:z',
      },
    ]);
  });

  it('leaves out dialogs that cannot be read', () => {
    const table = applyDialogInfo(undefined, info(1, 'full', `<dialog/>${dialog('a', 'early')}`));
    expect(table?.dialogs).toHaveLength(1);
  });
});
