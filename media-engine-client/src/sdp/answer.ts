import { isOffhookError, type OffhookError } from '@offhook/common';
import { mediaError } from '@offhook/media-rpc';
import { codecs, comfortNoise } from './codecs.ts';
import { parseDescription, type MediaSection, type SessionDescription } from './description.ts';
import { intersect, reverse } from './direction.ts';
import { chooseCrypto, codecConfig, isKnownProtocol } from './negotiation.ts';
import { matchingTelephoneEvent, newKey, refusedLine } from './negotiation.ts';
import type { Agreement, LocalStep, SrtpAgreement, Terms } from './negotiation.ts';
import { readAudio, type RemoteAudio } from './remote-audio.ts';
import { writeDescription } from './write.ts';

/**
 * Answers the peer's offer (RFC 3264 §6): one audio stream, the first that can be used; every other
 * m= line is refused with port 0 in its place. The answer names one codec, the first of the offer's
 * that we have (§6.1 recommends the offer's order), so that the peer sends nothing else.
 *
 * @throws `invalid-sdp`, `no-common-codec`, `srtp-required`; nothing has changed then.
 */
export function makeAnswer(
  terms: Terms,
  step: LocalStep,
  offerText: string,
): { sdp: string; agreement: Agreement } {
  const description = parseDescription(offerText);
  const { index, ...chosen } = chooseAudio(terms, description);
  const { audio, codec } = chosen;
  const telephoneEvent = terms.options.telephoneEvent
    ? matchingTelephoneEvent(audio.telephoneEvents, codec.clockRate)
    : undefined;
  const direction = intersect(step.direction, reverse(audio.direction));
  const agreement: Agreement = {
    lines: description.media.map((section, at) =>
      at === index ? { kind: 'audio' } : refusedLine(section),
    ),
    protocol: audio.protocol,
    direction,
    remoteDirection: audio.direction,
    codec,
    ...(telephoneEvent === undefined ? {} : { telephoneEvent }),
    remote: audio.remote,
    ...(chosen.srtp === undefined ? {} : { srtp: chosen.srtp }),
    payloadTypes: {
      ...terms.current?.payloadTypes,
      ...Object.fromEntries(audio.codecs.map(({ name, payloadType }) => [name, payloadType])),
      ...Object.fromEntries(
        audio.telephoneEvents.map((event) => [
          `telephone-event/${event.clockRate}`,
          event.payloadType,
        ]),
      ),
    },
  };
  const sdp = writeDescription({
    origin: step.origin,
    local: terms.local,
    lines: agreement.lines,
    protocol: agreement.protocol,
    direction,
    codecs: [codec],
    telephoneEvents: telephoneEvent === undefined ? [] : [telephoneEvent],
    comfortNoise: chosen.comfortNoise,
    cryptos: agreement.srtp === undefined ? [] : [{ ...agreement.srtp, key: agreement.srtp.tx }],
    rtcpMux: audio.remote.rtcpMux,
    ptimeMs: codec.ptimeMs,
  });
  return { sdp, agreement };
}

interface Chosen {
  readonly audio: RemoteAudio;
  readonly codec: Agreement['codec'];
  readonly comfortNoise: boolean;
  readonly srtp: SrtpAgreement | undefined;
}

/** The address of the audio stream of an offer, before anything is bound; undefined if unusable. */
export function offeredAddress(offerText: string): string | undefined {
  const description = parseDescription(offerText);
  const section = description.media.find(isCandidate);
  return section && (section.connection ?? description.connection)?.address;
}

/** Several audio lines are alternatives, SAVP before AVP for one (RFC 3264 §6): the first that fits. */
function chooseAudio(
  terms: Terms,
  description: SessionDescription,
): Chosen & { readonly index: number } {
  let refusal: OffhookError | undefined;
  for (const [index, section] of description.media.entries()) {
    if (!isCandidate(section)) continue;
    try {
      return { index, ...negotiate(terms, readAudio(description, section)) };
    } catch (error) {
      if (!isOffhookError(error)) throw error;
      refusal ??= error;
    }
  }
  throw refusal ?? mediaError('invalid-sdp', 'The offer has no audio stream that can be used');
}

function isCandidate(section: MediaSection): boolean {
  return section.media === 'audio' && section.port !== 0 && isKnownProtocol(section.protocol);
}

function negotiate(terms: Terms, audio: RemoteAudio): Chosen {
  const { options, current } = terms;
  const codec = audio.codecs.find(({ name }) => options.codecs.includes(name));
  if (codec === undefined) throw mediaError('no-common-codec');
  const crypto = chooseCrypto(options.srtp, options.srtpSuites, audio);
  const keep = !terms.rekey && current?.srtp?.suite === crypto?.suite;
  return {
    audio,
    codec: codecConfig(codec, audio, options.ptimeMs),
    comfortNoise:
      options.comfortNoise &&
      audio.comfortNoise &&
      codecs[codec.name].clockRate === comfortNoise.clockRate,
    srtp: crypto && {
      tag: crypto.tag,
      suite: crypto.suite,
      // The same key for a stream that goes on leaves its SRTP context as it is (RFC 4568 §7.1.4).
      tx: (keep ? current?.srtp?.tx : undefined) ?? newKey(terms, crypto.suite),
      rx: crypto.key,
    },
  };
}
