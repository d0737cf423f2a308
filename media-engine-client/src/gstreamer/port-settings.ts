import type { LegConfig, SrtpKey } from '../media-plane.ts';
import { packetMs } from './codecs.ts';
import type { PortCounters } from './counters.ts';

/** `port.set` for a leg: everything about its RTP that needs no other pipeline. */
export function portSettings(config: LegConfig, epoch: number): object {
  const { codec, direction, remote, telephoneEvent } = config;
  return {
    id: config.sockets,
    remote: {
      rtp: remote.rtp,
      rtcp: remote.rtcp,
      mux: remote.rtcpMux,
      latching: config.latching,
    },
    tx: {
      enabled: direction === 'sendrecv' || direction === 'sendonly',
      clockRate: codec.clockRate,
      ptimeMs: packetMs(codec),
    },
    rx: {
      enabled: direction === 'sendrecv' || direction === 'recvonly',
      payloadType: codec.payloadType,
      clockRate: codec.clockRate,
      eventPayloadType: telephoneEvent?.payloadType ?? -1,
      eventClockRate: telephoneEvent?.clockRate ?? 8000,
    },
    srtp:
      config.srtp === undefined
        ? null
        : { epoch, tx: srtpKey(config.srtp.tx), rx: srtpKey(config.srtp.rx) },
  };
}

function srtpKey(key: SrtpKey): object {
  return { suite: key.suite, key: Buffer.from(key.keySalt).toString('base64') };
}

export function sameSrtp(a: LegConfig['srtp'], b: LegConfig['srtp']): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameKey(a.tx, b.tx) && sameKey(a.rx, b.rx);
}

function sameKey(a: SrtpKey, b: SrtpKey): boolean {
  return a.suite === b.suite && Buffer.compare(a.keySalt, b.keySalt) === 0;
}

/**
 * What `port.set` needs to go on where a killed worker stopped. `unknown` for a leg whose SRTP
 * indices cannot be told: it must not send under its old keys.
 */
export function resumeFrom(
  config: LegConfig,
  epoch: number,
  counters: PortCounters | undefined,
): { readonly resume?: object; readonly unknown: boolean } {
  if (counters === undefined) return { unknown: config.srtp !== undefined };
  const rtp = { ssrc: counters.ssrc, ...counters.sent };
  if (config.srtp === undefined) return { resume: rtp, unknown: false };
  // The worker died before it took these keys: nothing was sent under them, and their indices begin anew.
  const fresh = counters.epoch !== epoch;
  if (fresh && counters.epoch !== 0 && counters.epoch > epoch) return { unknown: true };
  const srtp = {
    rtcpIndex: counters.rtcpIndex,
    ...(counters.received === undefined
      ? {}
      : { rxSsrc: counters.received.ssrc, rxIndex: counters.received.index }),
  };
  return { resume: fresh ? rtp : { ...rtp, ...srtp }, unknown: false };
}
