import { escapeXml } from '@offhook/signaling/documents';
import { header, tagOf, uriOf, type SipMessage } from '../phone/sip-text.ts';
import type { PlainLeg } from './plain-leg.ts';
import type { Dialog, PeerSocket } from './peer-socket.ts';

interface Watcher {
  readonly dialog: Dialog;
  version: number;
}

/** A phone's dialog events (RFC 4235): whoever subscribes is told every dialog, after each change. */
export class DialogEvents {
  readonly #socket: PeerSocket;
  readonly #watchers = new Map<string, Watcher>();

  constructor(socket: PeerSocket) {
    this.#socket = socket;
  }

  subscribe(request: SipMessage, legs: readonly PlainLeg[]): void {
    const callId = header(request, 'Call-ID');
    const expires = Number(header(request, 'Expires') || 600);
    const known = this.#watchers.get(callId);
    const watcher = known ?? { dialog: dialogOf(request), version: 0 };
    const headers = [['Expires', String(expires)] as const];
    this.#socket.respond(request, 200, watcher.dialog.local.tag, { headers });
    if (expires === 0) this.#watchers.delete(callId);
    else this.#watchers.set(callId, watcher);
    this.#notify(watcher, legs, expires === 0);
  }

  changed(legs: readonly PlainLeg[]): void {
    for (const watcher of this.#watchers.values()) this.#notify(watcher, legs, false);
  }

  #notify(watcher: Watcher, legs: readonly PlainLeg[], last: boolean): void {
    const body =
      `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"` +
      ` version="${watcher.version++}" state="full" entity="${watcher.dialog.local.uri}">` +
      `${legs.map((leg) => row(leg, this.#socket.contact)).join('')}</dialog-info>`;
    this.#socket.request('NOTIFY', watcher.dialog, {
      headers: [
        ['Event', 'dialog'],
        ['Subscription-State', last ? 'terminated;reason=timeout' : 'active;expires=600'],
        ['Content-Type', 'application/dialog-info+xml'],
      ],
      body,
    });
  }
}

/** The dialog that a request has begun, as its receiver has it. */
export function dialogOf(request: SipMessage): Dialog {
  const from = header(request, 'From');
  return {
    callId: header(request, 'Call-ID'),
    local: {
      uri: uriOf(header(request, 'To')),
      tag: `p${Math.random().toString(36).slice(2, 10)}`,
    },
    remote: { uri: uriOf(from), tag: tagOf(from) },
    target: uriOf(header(request, 'Contact')),
    cseq: 1,
  };
}

const STATES = {
  calling: 'early',
  ringing: 'early',
  up: 'confirmed',
  held: 'confirmed',
  over: 'terminated',
} as const;

function row(leg: PlainLeg, contact: string): string {
  const { dialog, incoming, state, status, replaces, referredBy } = leg;
  const remoteTag = dialog.remote.tag === '' ? '' : ` remote-tag="${dialog.remote.tag}"`;
  const tried = state === 'calling' && dialog.remote.tag === '' ? 'trying' : STATES[state];
  const why = status > 0 ? ` event="rejected" code="${status}"` : '';
  const held = state === 'held' ? '<param pname="+sip.rendering" pval="no"/>' : '';
  return (
    `<dialog id="${leg.id}" call-id="${dialog.callId}" local-tag="${dialog.local.tag}"${remoteTag}` +
    ` direction="${incoming ? 'recipient' : 'initiator'}"><state${why}>${tried}</state>` +
    (replaces === undefined
      ? ''
      : `<replaces call-id="${replaces.callId}" local-tag="${replaces.local.tag}" remote-tag="${replaces.remote.tag}"/>`) +
    (referredBy === undefined ? '' : `<referred-by>${escapeXml(referredBy)}</referred-by>`) +
    `<local><target uri="${contact}">${held}</target></local>` +
    `<remote><identity>${escapeXml(dialog.remote.uri)}</identity><target uri="${escapeXml(dialog.target)}"/></remote></dialog>`
  );
}
