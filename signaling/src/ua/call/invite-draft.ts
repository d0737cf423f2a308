import type { Body, BodyPart } from '../../api.ts';
import type { ReplacesHeader } from '../../request-api.ts';
import type { Flow } from '../../transport/layer.ts';
import { route, type RequestDraft } from '../dialog/dialog-state.ts';
import { requestTimerHeaders } from '../dialog/session-timer.ts';
import { Headers, type HeaderPair } from '../message/headers.ts';
import { quote } from '../message/lexer.ts';
import { multipart } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { formatReplaces } from '../refer/refer-to.ts';
import { capabilityHeaders, type CallProfile } from '../session/profile.ts';
import type { InvitingContent } from './snapshot.ts';

/** What stays the same in all INVITEs of one call: retries, redirections, other servers. */
export interface InviteIdentity {
  readonly profile: CallProfile;
  /** Whom the call was meant for: To. */
  readonly callee: string;
  readonly displayName?: string | undefined;
  readonly callId: string;
  readonly fromTag: string;
  /** Route values in front of the INVITE (outbound proxy, Service-Route). */
  readonly routes: readonly string[];
  /** Whole header lines of the application. */
  readonly extraHeaders?: readonly string[] | undefined;
  /** In place of an offer. */
  readonly body?: Body | undefined;
  /** Beside the offer. */
  readonly parts?: readonly BodyPart[] | undefined;
  readonly replaces?: ReplacesHeader | undefined;
}

/** What the INVITE carries: always the same for the same offer, as its repetitions must be. */
export function inviteBody(identity: InviteIdentity, offer: string | undefined): Body | undefined {
  const { body, parts = [], callId } = identity;
  const first = offer === undefined ? body : { type: 'application/sdp', content: offer };
  const all = first === undefined ? parts : [first, ...parts];
  return parts.length === 0 ? first : multipart(all, `part-${callId}`);
}

/** For a snapshot. */
export function identityContent(
  identity: InviteIdentity,
): Pick<
  InvitingContent,
  'callId' | 'fromTag' | 'callee' | 'routes' | 'displayName' | 'extraHeaders' | 'parts'
> {
  const { callId, fromTag, callee, routes, displayName, extraHeaders, parts } = identity;
  return {
    callId,
    fromTag,
    callee,
    routes: [...routes],
    ...(displayName !== undefined && { displayName }),
    ...(extraHeaders !== undefined && { extraHeaders: [...extraHeaders] }),
    ...(parts !== undefined && { parts: [...parts] }),
  };
}

export interface InviteAttempt {
  readonly target: string;
  readonly cseq: number;
  readonly flow: Flow;
  readonly offer: string | undefined;
  /** Seconds that a 422 has asked for. */
  readonly minSE: number;
  readonly authorization: readonly HeaderPair[];
}

/** Request-URI, Route values and the URI to resolve, for a target. */
export function inviteRoute(
  target: string,
  routes: readonly string[],
): { readonly uri: string; readonly routes: readonly string[]; readonly hop: string } {
  const [first] = routes;
  const hop = first === undefined ? target : (parseNameAddr(first)?.uri ?? target);
  return { ...route(target, routes), hop };
}

/** RFC 3261 §8.1.1 and §13.2.1. */
export function inviteDraft(identity: InviteIdentity, attempt: InviteAttempt): RequestDraft {
  const { profile, displayName } = identity;
  const { uri, routes, hop } = inviteRoute(attempt.target, identity.routes);
  const name = displayName === undefined ? '' : `${quote(displayName)} `;
  const headers = Headers.of([
    ...routes.map((value) => ['route', value] as const),
    ['max-forwards', '70'],
    ['from', `${name}<${profile.aor}>;tag=${identity.fromTag}`],
    ['to', `<${identity.callee}>`],
    ['call-id', identity.callId],
    ['cseq', `${attempt.cseq} INVITE`],
    ...capabilityHeaders(profile, attempt.flow),
    ...(profile.rel100 === 'required' ? [['require', '100rel'] as const] : []),
    ...(identity.replaces === undefined
      ? []
      : [
          ['require', 'replaces'] as const,
          ['replaces', formatReplaces(identity.replaces)] as const,
        ]),
    ...(profile.sessionTimer === false
      ? []
      : requestTimerHeaders(profile.sessionTimer, { minSE: attempt.minSE })),
    ...(identity.extraHeaders ?? []).map(headerPair),
    ...attempt.authorization,
  ]);
  const body = inviteBody(identity, attempt.offer);
  return { method: 'INVITE', uri, headers, body, nextHop: hop };
}

/** Cancels an INVITE of an earlier process; whether anybody hears it is not waited for. */
export function sendCancel(
  identity: InviteIdentity,
  { target, cseq, branch }: Pick<InvitingContent, 'target' | 'cseq' | 'branch'>,
): void {
  const cancel = cancelDraft(identity, target, cseq);
  const ignore = () => undefined;
  const nobody = { response: ignore, timeout: ignore, transportError: ignore };
  identity.profile.core.send(cancel, { uri: cancel.nextHop }, nobody, branch);
}

function cancelDraft(identity: InviteIdentity, target: string, cseq: number): RequestDraft {
  const { profile, callee, callId, fromTag } = identity;
  const { uri, routes, hop } = inviteRoute(target, identity.routes);
  const headers = Headers.of([
    ...routes.map((value) => ['route', value] as const),
    ['max-forwards', '70'],
    ['from', `<${profile.aor}>;tag=${fromTag}`],
    ['to', `<${callee}>`],
    ['call-id', callId],
    ['cseq', `${cseq} CANCEL`],
  ]);
  return { method: 'CANCEL', uri, headers, nextHop: hop };
}

/** A header line as name and value; line breaks in it would become other headers. */
export function headerPair(line: string): HeaderPair {
  const colon = line.indexOf(':');
  const value = line.slice(colon + 1).replaceAll(/[\r\n]+/g, ' ');
  return [line.slice(0, colon).trim().toLowerCase(), value.trim()];
}
