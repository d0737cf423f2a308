import type { CodecName } from '@offhook/media-rpc';
import { codecs, comfortNoise, telephoneEventPayloadTypes } from './codecs.ts';
import type { CryptoLine } from './crypto.ts';
import { newKey } from './negotiation.ts';
import type { LocalStep, PayloadTypes, PendingOffer, Terms } from './negotiation.ts';
import { writeDescription } from './write.ts';

/**
 * Makes an offer (RFC 3264 §5), or a further one (§8): the m= lines that there were stay where they
 * are, payload-type numbers keep their meaning, and the codec in use stays the first choice.
 */
export function makeOffer(terms: Terms, step: LocalStep): { sdp: string; offer: PendingOffer } {
  const { options, current } = terms;
  const names = [
    ...(current === undefined ? [] : [current.codec.name]),
    ...options.codecs.filter((name) => name !== current?.codec.name),
  ];
  const numbers = assignPayloadTypes(names, options.telephoneEvent, current?.payloadTypes ?? {});
  const offer: PendingOffer = {
    lines: current?.lines ?? [{ kind: 'audio' }],
    protocol: current?.protocol ?? (options.srtp === 'required' ? 'RTP/SAVP' : 'RTP/AVP'),
    direction: step.direction,
    ...numbers,
    cryptos: offeredCryptos(terms),
    ptimeMs: options.ptimeMs,
  };
  const sdp = writeDescription({
    ...offer,
    origin: step.origin,
    local: terms.local,
    comfortNoise:
      options.comfortNoise &&
      names.some((name) => codecs[name].clockRate === comfortNoise.clockRate),
    // RFC 5761 §5.1.1: offered always; a peer that knows nothing of it uses two ports.
    rtcpMux: true,
  });
  return { sdp, offer };
}

/**
 * RFC 4568 §7.1: the line in use keeps tag and key, so that an answer which changes nothing leaves
 * the SRTP contexts alone; every other suite gets a key of its own.
 */
function offeredCryptos(terms: Terms): CryptoLine[] {
  const { options, current } = terms;
  if (options.srtp === 'off') return [];
  // A call that was agreed without SRTP stays so: an upgrade in mid-call is what peers get wrong.
  if (current !== undefined && current.srtp === undefined) return [];
  const kept =
    current?.srtp === undefined
      ? []
      : [
          {
            tag: current.srtp.tag,
            suite: current.srtp.suite,
            key: terms.rekey ? newKey(terms, current.srtp.suite) : current.srtp.tx,
          },
        ];
  const firstFree = Math.max(0, ...kept.map((line) => line.tag)) + 1;
  const others = options.srtpSuites
    .filter((suite) => kept.every((line) => line.suite !== suite))
    .map((suite, index) => ({ tag: firstFree + index, suite, key: newKey(terms, suite) }));
  return [...kept, ...others];
}

function assignPayloadTypes(
  names: readonly CodecName[],
  telephoneEvent: boolean,
  known: PayloadTypes,
): Pick<PendingOffer, 'codecs' | 'telephoneEvents' | 'payloadTypes'> {
  const payloadTypes: Record<string, number> = { ...known };
  const number = (encoding: string, preferred: number): number => {
    const taken = new Set(Object.values(payloadTypes));
    // A dynamic number that the peer has given another meaning stays the peer's.
    let candidate = preferred;
    for (let next = 96; taken.has(candidate) && next <= 127; next++) candidate = next;
    return (payloadTypes[encoding] ??= candidate);
  };
  const offered = names.map((name) => ({
    name,
    payloadType: number(name, codecs[name].payloadType),
  }));
  const clockRates = telephoneEvent ? new Set(names.map((name) => codecs[name].clockRate)) : [];
  const events = [...clockRates].map((clockRate) => ({
    clockRate,
    payloadType: number(
      `telephone-event/${clockRate}`,
      telephoneEventPayloadTypes.get(clockRate) ?? 101,
    ),
  }));
  return { codecs: offered, telephoneEvents: events, payloadTypes };
}
