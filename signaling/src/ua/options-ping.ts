import type { PingAnswer, SipPath } from '../api.ts';
import type { Endpoint, Flow } from '../transport/layer.ts';
import { ClientRequest } from './core/client-request.ts';
import { Headers } from './message/headers.ts';
import { route } from './dialog/dialog-state.ts';
import { parseNameAddr } from './message/name-addr.ts';
import { seenBehindNat } from './registration/bindings.ts';
import { ACCEPT, capabilityHeaders, type CallProfile } from './session/profile.ts';
import { reasonInWords } from './words.ts';

/** OPTIONS (RFC 3261 §11): who answers, with what, how fast, and what it sees of us. */
export function optionsPing(
  profile: CallProfile,
  target: string,
  routes: readonly string[],
): Promise<PingAnswer> {
  const { core } = profile;
  const { promise, resolve } = Promise.withResolvers<PingAnswer>();
  const { uri, routes: values } = route(target, routes);
  const hop = routes[0] === undefined ? uri : (parseNameAddr(routes[0])?.uri ?? uri);
  const callId = core.token(16);
  const tag = core.token(8);
  let cseq = 0;
  let sentAt = core.clock.now();
  let used: Flow | undefined;
  const finish = (status: number, reason: string, path?: PingAnswer['path']): void =>
    resolve({ status, reason, rttMs: core.clock.now() - sentAt, ...(path && { path }) });
  new ClientRequest(
    core,
    {
      method: 'OPTIONS',
      uri,
      hop: { uri: hop },
      digest: profile.digest,
      draft: ({ flow, extra }) => {
        cseq += 1;
        sentAt = core.clock.now();
        used = flow;
        const headers = Headers.of([
          ...values.map((value) => ['route', value] as const),
          ['max-forwards', '70'],
          ['from', `<${profile.aor}>;tag=${tag}`],
          ['to', `<${target}>`],
          ['call-id', callId],
          ['cseq', `${cseq} OPTIONS`],
          ...capabilityHeaders(profile, flow),
          ['accept', ACCEPT],
          ...extra,
        ]);
        return { method: 'OPTIONS', uri, headers, nextHop: hop };
      },
    },
    {
      final: ({ status, headers, reason, seenAs }) =>
        finish(
          status,
          status < 300 ? 'OK' : reasonInWords(status, headers, reason),
          used && pathOf(profile, used, seenAs),
        ),
      failed: ({ status, reason }) => finish(status, reason),
    },
  ).start();
  return promise;
}

function pathOf(profile: CallProfile, flow: Flow, seenAs: Endpoint | undefined): SipPath {
  return {
    transport: flow.transport,
    local: flow.contact,
    ...(seenAs !== undefined && { seenAs }),
    behindNat: seenBehindNat(flow, seenAs) !== undefined,
    contact: profile.contactOn(flow),
  };
}
