import type { IncomingCall, SipCall } from '../../../src/call-api.ts';
import { bench, OUR, sdp, type Bench } from './bench.ts';
import { eventually, settled, type Got, type RawPeer } from './raw-peer.ts';

export interface Established<Call extends SipCall = SipCall> extends Bench {
  readonly call: Call;
  /** A request of the peer in the dialog, with the next CSeq. */
  readonly ask: (method: string, options?: Parameters<RawPeer['request']>[2]) => { branch: string };
  /** CSeq number of our last request at that time. */
  readonly cseq: number;
}

type Options = Parameters<typeof bench>[0] & {
  /** Header fields of the peer's INVITE or 2xx. */
  readonly headers?: readonly string[];
};

/** A call that the peer has made and we have answered. */
export async function incomingCall(options: Options = {}): Promise<Established<IncomingCall>> {
  const set = await bench(options);
  const { peer } = set;
  peer.request(OUR, 'INVITE', {
    callId: 'call@peer',
    body: sdp('peer'),
    headers: options.headers ?? [],
  });
  await peer.expect('SIP/2.0 180');
  const call = set.incoming[0];
  if (call === undefined) throw new Error('nothing was delivered');
  await settled('the answer', call.answer());
  const ok = await peer.expect('SIP/2.0 200');
  const dialog = { callId: 'call@peer', to: ok.header('To'), uri: ok.contact };
  let cseq = 1;
  peer.request(OUR, 'ACK', { ...dialog, cseq });
  await eventually('established', () => call.state === 'established');
  set.agent.log.length = 0;
  return {
    ...set,
    call,
    cseq: 0,
    ask: (method, extra = {}) => {
      if (method !== 'ACK') cseq += 1;
      return peer.request(OUR, method, { ...dialog, cseq, ...extra });
    },
  };
}

/** A call that we have made and the peer has answered. */
export async function outgoingCall(options: Options = {}): Promise<Established> {
  const set = await bench(options);
  const { peer, account, agent } = set;
  const call = account.invite(peer.uri, agent);
  const invite: Got = await peer.expect('INVITE');
  peer.reply(invite, '200 OK', { body: sdp('peer'), headers: options.headers ?? [] });
  await peer.expect('ACK');
  await eventually('established', () => call.state === 'established');
  agent.log.length = 0;
  let cseq = 100;
  return {
    ...set,
    call,
    cseq: invite.cseq,
    ask: (method, extra = {}) => {
      if (method !== 'ACK') cseq += 1;
      return peer.request(OUR, method, {
        callId: invite.header('Call-ID'),
        from: `<${peer.uri}>;tag=peer`,
        to: invite.header('From'),
        uri: invite.contact,
        cseq,
        ...extra,
      });
    },
  };
}
