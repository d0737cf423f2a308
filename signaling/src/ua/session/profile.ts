import type { Logger } from '@offhook/common';
import type { Flow } from '../../transport/layer.ts';
import type { DigestClient } from '../../auth/digest-client.ts';
import type { SipCore } from '../core/sip-core.ts';
import type { SessionTimerConfig } from '../dialog/session-timer.ts';
import type { HeaderPair } from '../message/headers.ts';

/** Methods that we serve. */
export const ALLOWED_METHODS = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'PRACK',
  'UPDATE',
  'INFO',
  'MESSAGE',
  'REFER',
  'NOTIFY',
] as const;

export const ALLOW = ALLOWED_METHODS.join(', ');

/** Body types that we read. */
export const ACCEPT = 'application/sdp, application/dtmf-relay, text/plain';

/** What the calls of one account have in common. */
export interface CallProfile {
  readonly core: SipCore;
  readonly logger: Logger;
  readonly aor: string;
  readonly digest: DigestClient;
  readonly rel100: 'off' | 'supported' | 'required';
  readonly sessionTimer: SessionTimerConfig | false;
  readonly redirects: 'follow' | 'refuse';
  /** Media types, in lower case, whose INVITE is a session without media. */
  readonly sessions: ReadonlySet<string>;
  /** Whether what is behind this flow is our registrar; true when there is none to compare with. */
  isRegistrar(flow: Flow | undefined): boolean;
  /** Our Contact URI for a peer reached on this flow. */
  contactOn(flow: Flow): string;
}

/** Option tags that a profile supports (RFC 3261 §19.2). */
export function supportedTags(profile: Pick<CallProfile, 'rel100' | 'sessionTimer'>): string[] {
  return [
    ...(profile.rel100 === 'off' ? [] : ['100rel']),
    ...(profile.sessionTimer === false ? [] : ['timer']),
    'replaces',
    'norefersub',
  ];
}

/** Contact, Allow and Supported, as INVITE, UPDATE and their answers carry them. */
export function capabilityHeaders(profile: CallProfile, flow: Flow): HeaderPair[] {
  return [
    ['contact', `<${profile.contactOn(flow)}>`],
    ['allow', ALLOW],
    ['supported', supportedTags(profile).join(', ')],
  ];
}
