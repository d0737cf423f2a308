import type { EchoStats, LegStats } from '../media-plane.ts';
import type { PortStats, ProbeFigures } from './protocol.ts';

/** The worker's figures of a leg's port and pipeline, in the words of the plane. */
export function legStats(port: PortStats, probes: ProbeFigures, jitterMs: number): LegStats {
  const { ssrc, lastPacketAt, lost, ...rx } = port.rx;
  const concealed = probes['plc']?.['concealedMs'] ?? 0;
  const played = probes['plc']?.['playedMs'] ?? 0;
  const inputDb = probes['input']?.['db'];
  const outputDb = probes['output']?.['db'];
  return {
    tx: { packets: port.tx.packets, bytes: port.tx.bytes, ssrc: port.tx.ssrc },
    rx: {
      ...rx,
      lost: Math.max(0, lost),
      ...(ssrc === undefined ? {} : { ssrc }),
      ...(lastPacketAt === undefined ? {} : { lastPacketAt }),
    },
    ...(port.remote === undefined ? {} : { remote: port.remote }),
    ...(port.rttMs === undefined ? {} : { rttMs: port.rttMs }),
    concealedPct: concealed + played === 0 ? 0 : (100 * concealed) / (concealed + played),
    jitterBufferMs: jitterMs,
    ...(inputDb === undefined || outputDb === undefined ? {} : { levels: { inputDb, outputDb } }),
    ...echoStats(probes['voice']),
    sendingTo: port.sendingTo,
  };
}

/** Nothing while the canceller is off or has found no echo. */
function echoStats(figures: ProbeFigures[string] | undefined): { echo?: EchoStats } {
  const delayMs = figures?.['lag-ms'];
  if (figures?.['echo'] !== 1 || delayMs === undefined) return {};
  const erleDb = figures['erle-db'];
  return { echo: { delayMs, ...(erleDb === undefined ? {} : { erleDb }) } };
}
