import type { LegConfig, SrtpKey } from '../media-plane.ts';
import { packetMs } from './codecs.ts';
import type { PortCounters, SrtpEpochs } from './counters.ts';

/** `port.set` for a leg: everything about its RTP that needs no other pipeline. */
export function portSettings(config: LegConfig, epochs: SrtpEpochs): object {
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
        : {
            tx: { epoch: epochs.tx, ...srtpKey(config.srtp.tx) },
            rx: { epoch: epochs.rx, ...srtpKey(config.srtp.rx) },
          },
  };
}

function srtpKey(key: SrtpKey): object {
  return { suite: key.suite, key: Buffer.from(key.keySalt).toString('base64') };
}

/**
 * The epochs after a change of configuration. Each way has its own: a peer that changes its key does
 * not begin ours anew, or a keystream would be used a second time (RFC 3711 §9.1).
 */
export function nextEpochs(
  epochs: SrtpEpochs,
  before: LegConfig['srtp'],
  after: LegConfig['srtp'],
): SrtpEpochs {
  if (after === undefined) return epochs;
  const next = (way: 'tx' | 'rx') =>
    epochs[way] > 0 && sameKey(before?.[way], after[way]) ? epochs[way] : epochs[way] + 1;
  return { tx: next('tx'), rx: next('rx') };
}

function sameKey(a: SrtpKey | undefined, b: SrtpKey): boolean {
  return a?.suite === b.suite && Buffer.compare(a.keySalt, b.keySalt) === 0;
}

/**
 * What `port.set` needs to go on where a killed worker stopped. `unknown` for a leg whose SRTP
 * indices cannot be told: it must not send under its old keys.
 */
export function resumeFrom(
  config: LegConfig,
  epochs: SrtpEpochs,
  counters: PortCounters | undefined,
): { readonly resume?: object; readonly unknown: boolean } {
  if (counters === undefined) return { unknown: config.srtp !== undefined };
  const rtp = { ssrc: counters.ssrc, ...counters.sent };
  if (config.srtp === undefined) return { resume: rtp, unknown: false };
  if (counters.epochs.tx > epochs.tx) return { unknown: true };
  // The worker died before it took this key: nothing was sent under it, and its indices begin anew.
  const tx = counters.epochs.tx === epochs.tx ? { rtcpIndex: counters.rtcpIndex } : {};
  const rx =
    counters.received !== undefined && counters.epochs.rx === epochs.rx
      ? { rxSsrc: counters.received.ssrc, rxIndex: counters.received.index }
      : {};
  return { resume: { ...rtp, ...tx, ...rx }, unknown: false };
}
