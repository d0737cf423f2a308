import { applyDialogInfo } from '@offhook/signaling/documents';
import { describe, expect, it } from 'vitest';
import { lampOf, rings } from '../../src/presence/dialog-lamp.ts';
import { parseMessageSummary } from '../../src/presence/message-summary.ts';
import { parsePidf, writePidf } from '../../src/presence/pidf.ts';

const info = (version: number, state: 'full' | 'partial', dialogs: string): string =>
  `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="${state}" entity="sip:bob@x">${dialogs}</dialog-info>`;
const dialog = (id: string, state: string, more = ''): string =>
  `<dialog id="${id}" direction="recipient"${more}><state>${state}</state><remote><identity display="Carol &amp; Co">sip:carol@x</identity></remote></dialog>`;

describe('lamps (RFC 4235)', () => {
  it.each([
    ['free', '', false],
    ['ringing', dialog('a', 'early'), true],
    ['busy', dialog('a', 'early').replace('recipient', 'initiator'), false],
    ['busy', dialog('a', 'early') + dialog('b', 'confirmed'), true],
    ['busy', dialog('a', 'trying'), false],
  ])('lights the lamp: %s', (state, dialogs, picks) => {
    const table = applyDialogInfo(undefined, info(1, 'full', dialogs));
    expect(lampOf(table?.dialogs ?? [])).toBe(state);
    expect(table?.dialogs.some(rings)).toBe(picks);
  });
});

describe('PIDF (RFC 3863)', () => {
  it.each([
    { open: true, activity: 'on-the-phone', note: 'in <a> meeting & more' },
    { open: false, activity: undefined, note: undefined },
    { open: true, activity: 'away', note: undefined },
  ] as const)('is read as it was written: %o', (presence) => {
    expect(parsePidf(writePidf('sip:alice@example.com', presence))).toEqual(presence);
  });

  it('is read as PBXs write it', () => {
    const body =
      '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:pp="urn:ietf:params:xml:ns:pidf:person" xmlns:ep="urn:ietf:params:xml:ns:pidf:rpid:rpid-person" entity="sip:600@x"><note>Ready</note><pp:person><status></status></pp:person><tuple id="600"><contact priority="1">sip:600@x</contact><status><basic>open</basic></status></tuple></presence>';
    expect(parsePidf(body)).toEqual({ open: true, activity: undefined, note: 'Ready' });
    const busy = body.replace(
      '<status></status>',
      '<status><ep:activities><ep:busy/></ep:activities></status>',
    );
    expect(parsePidf(busy)?.activity).toBe('busy');
  });

  it('is nothing else', () => {
    expect(parsePidf('<dialog-info/>')).toBeUndefined();
    expect(parsePidf('open')).toBeUndefined();
  });
});

describe('message-summary (RFC 3842)', () => {
  it.each([
    ['Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n', { waiting: true, fresh: 2, old: 8 }],
    ['Messages-Waiting: no\r\nMessage-Account: sip:a@b\r\n', { waiting: false, fresh: 0, old: 0 }],
    ['messages-waiting:YES', { waiting: true, fresh: 1, old: 0 }],
    ['', undefined],
    ['Messages-Waiting: perhaps', undefined],
  ])('%j', (body, summary) => {
    expect(parseMessageSummary(body)).toEqual(summary);
  });
});
