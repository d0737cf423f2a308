import { mediaError } from '@offhook/media-rpc';
import { parseDescription } from './description.ts';
import { intersect, reverse } from './direction.ts';
import { chooseCrypto, codecConfig, isKnownProtocol } from './negotiation.ts';
import { matchingTelephoneEvent } from './negotiation.ts';
import type { Agreement, PendingOffer, SrtpAgreement, Terms } from './negotiation.ts';
import { readAudio, type RemoteAudio } from './remote-audio.ts';

/**
 * Takes the peer's answer to our offer (RFC 3264 §7).
 *
 * @throws `invalid-sdp` when it is no answer to this offer or refuses the audio, `no-common-codec`
 *   when it lists none of the offered codecs, `srtp-required`.
 */
export function acceptAnswer(
  terms: Pick<Terms, 'options'>,
  offer: PendingOffer,
  answerText: string,
): Agreement {
  const description = parseDescription(answerText);
  if (description.media.length !== offer.lines.length) {
    throw mediaError(
      'invalid-sdp',
      `The answer has ${description.media.length} m= lines where the offer has ${offer.lines.length} (RFC 3264 §6)`,
    );
  }
  const index = offer.lines.findIndex((line) => line.kind === 'audio');
  const section = description.media[index];
  if (section?.media !== 'audio' || !isKnownProtocol(section.protocol)) {
    throw mediaError('invalid-sdp', 'The answer describes another stream than the offer');
  }
  if (section.port === 0) {
    throw mediaError('invalid-sdp', 'The peer refused the audio stream (port 0)');
  }
  const audio = readAudio(description, section);
  // §6.1: the first format is the one the peer would rather have; only what we offered counts.
  const codec = audio.codecs.find(({ name }) => offer.codecs.some((ours) => ours.name === name));
  if (codec === undefined) throw mediaError('no-common-codec');
  const config = codecConfig(codec, audio, offer.ptimeMs);
  const telephoneEvent =
    offer.telephoneEvents.length === 0
      ? undefined
      : matchingTelephoneEvent(audio.telephoneEvents, config.clockRate);
  const srtp = acceptCrypto(terms, offer, audio);
  return {
    lines: offer.lines,
    protocol: offer.protocol,
    direction: intersect(offer.direction, reverse(audio.direction)),
    remoteDirection: audio.direction,
    codec: config,
    ...(telephoneEvent === undefined ? {} : { telephoneEvent }),
    remote: audio.remote,
    ...(srtp === undefined ? {} : { srtp }),
    payloadTypes: offer.payloadTypes,
  };
}

/** RFC 4568 §5.1.3: the answer repeats tag and suite of the offered line that it takes. */
function acceptCrypto(
  terms: Pick<Terms, 'options'>,
  offer: PendingOffer,
  audio: RemoteAudio,
): SrtpAgreement | undefined {
  const matching = audio.cryptos.filter((line) =>
    offer.cryptos.some((ours) => ours.tag === line.tag && ours.suite === line.suite),
  );
  const line = chooseCrypto(
    // A further offer in a call that was agreed in the clear has no keys to accept.
    offer.cryptos.length === 0 ? 'off' : terms.options.srtp,
    offer.cryptos.map(({ suite }) => suite),
    { protocol: audio.protocol, cryptos: matching },
  );
  const ours = offer.cryptos.find(({ tag }) => tag === line?.tag);
  return line && ours && { tag: line.tag, suite: line.suite, tx: ours.key, rx: line.key };
}
