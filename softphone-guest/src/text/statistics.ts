import { printable } from '@offhook/common/printable';
import type { CallStatistics } from '../statistics/schema.ts';
import { table } from './table.ts';

/** A line each; what is not known is `-`. */
export function statisticsText(call: CallStatistics): string {
  const { sent, received, voipMetrics: xr, remoteMedia, end, holds } = call;
  const rows: readonly (readonly [string, string])[] = [
    ['call', `${call.id}  ${call.direction}  ${call.state}`],
    ['remote', call.remote],
    ['account', call.account],
    ['Call-ID', call.sipCallId],
    ['started', call.startedAt],
    ['answered', call.answeredAt ?? '-'],
    ['ended', call.endedAt ?? '-'],
    ['talk time', `${(call.talkMs / 1000).toFixed(1)} s`],
    ['end', end === null ? '-' : `${end.reason} (by ${end.by}, SIP ${end.status})`],
    ...holds.map((hold): [string, string] => [
      `held (${hold.by})`,
      `${hold.from} to ${hold.to ?? 'now'}`,
    ]),
    ['codec', call.codec ?? '-'],
    ['media at', remoteMedia === null ? '-' : `${remoteMedia.address} port ${remoteMedia.port}`],
    ['sent', directionText(sent)],
    ['received', directionText(received)],
    ['concealed', figure(call.concealedPct, '%')],
    ['loss rate', figure(xr?.lossRate, '%')],
    ['discard rate', figure(xr?.discardRate, '%')],
    ['bursts', `${figure(xr?.burstDensity, '%')} for ${figure(xr?.burstDuration, 'ms')}`],
    ['gaps', `${figure(xr?.gapDensity, '%')} for ${figure(xr?.gapDuration, 'ms')}`],
    ['round trip delay', figure(xr?.roundTripDelay, 'ms')],
    ['end system delay', figure(xr?.endSystemDelay, 'ms')],
    ['jitter buffer', `${figure(xr?.jbNominal, 'ms')}, at most ${figure(xr?.jbMaximum, 'ms')}`],
    ['R factor', figure(xr?.rFactor)],
    ['MOS-LQ', figure(xr?.mosLq, '', 2)],
    ['MOS-CQ', figure(xr?.mosCq, '', 2)],
  ];
  return table(rows.map(([name, value]) => [name, printable(value)]));
}

function directionText(direction: CallStatistics['sent']): string {
  if (direction === null) return '-';
  const { packets, bytes, lost, lossPct, jitterMs } = direction;
  return `${packets} packets, ${bytes} bytes, ${lost} lost (${figure(lossPct, '%')}), jitter ${figure(jitterMs, 'ms')}`;
}

function figure(value: number | null | undefined, unit = '', digits = 1): string {
  if (value === null || value === undefined) return '-';
  return `${value.toFixed(digits)} ${unit}`.trimEnd();
}
