import { OffhookError } from '@offhook/common';
import { quote } from './quote.ts';

/** What `default` stands for on this machine. */
export type SoundServer = 'pulse' | 'alsa' | 'none';

/**
 * Buffers of devices in microseconds. Small ones are the better part of the latency from mouth to
 * ear. Sound servers keep up with four pieces of 5 ms as well as with four of 10 (docs/benchmarks.md);
 * cards that are used without one differ more.
 */
const PULSE_BUFFERS = 'buffer-time=20000 latency-time=5000 provide-clock=false';
const ALSA_BUFFERS = 'buffer-time=40000 latency-time=10000 provide-clock=false';
const CLIENT = 'client-name=Offhook stream-properties="props,media.role=phone"';
/** Recordings have one format whatever the codec, so that they can go on across a codec change. */
const FILE_CAPS = 'audio/x-raw,format=S16LE,layout=interleaved,rate=16000,channels=1';
const CONVERT = 'audioconvert ! audioresample';

/** A device id of the contract, taken apart: `pulse:NAME` is `['pulse', 'NAME']`. */
export function splitDevice(id: string): readonly [kind: string, rest: string] {
  const colon = id.indexOf(':');
  return colon === -1 ? [id, ''] : [id.slice(0, colon), id.slice(colon + 1)];
}

/** Source elements that end in 16-bit mono audio of `rate`, the last step a caps filter's. */
export function inputElements(
  id: string,
  options: { sound: SoundServer; rate: number; ptimeMs: number },
): string {
  const frame = `frame-ms=${options.ptimeMs}`;
  const [kind, rest] = splitDevice(id);
  switch (kind) {
    case 'null':
      return `offhooksrc name=input ${frame}`;
    case 'echo': // in time with the jitter buffer, as a person would hear it
      return 'echo. ! clocksync name=input';
    case 'tone': {
      const hz = Number(rest);
      if (!(hz > 0 && hz < options.rate / 2)) throw unknownDevice(id);
      return `offhooksrc name=input ${frame} tones="${hz}/1000"`;
    }
    case 'file':
      return `offhooksrc name=input ${frame} location=${quote(rest)} ! ${CONVERT}`;
    case 'pulse':
      return `pulsesrc name=input ${PULSE_BUFFERS} ${CLIENT} device=${quote(rest)}`;
    case 'alsa':
      return `alsasrc name=input ${ALSA_BUFFERS} device=${quote(rest)} ! ${CONVERT}`;
    case 'default':
      if (options.sound === 'pulse') return `pulsesrc name=input ${PULSE_BUFFERS} ${CLIENT}`;
      if (options.sound === 'alsa') return `alsasrc name=input ${ALSA_BUFFERS} ! ${CONVERT}`;
      return inputElements('null', options);
    default:
      throw unknownDevice(id);
  }
}

/** Elements that take 16-bit mono audio of any rate. */
export function outputElements(
  id: string,
  options: { sound: SoundServer; append: boolean },
): string {
  const sink = 'name=output async=false enable-last-sample=false';
  const device = `${sink} sync=true processing-deadline=0`;
  const [kind, rest] = splitDevice(id);
  switch (kind) {
    case 'null':
      return `fakesink ${sink} sync=false`;
    case 'file':
      return `${CONVERT} ! ${FILE_CAPS} ! offhookwavsink ${sink} sync=true append=${options.append} location=${quote(rest)}`;
    case 'pulse':
      return `pulsesink ${device} ${PULSE_BUFFERS} ${CLIENT} device=${quote(rest)}`;
    case 'alsa':
      return `${CONVERT} ! alsasink ${device} ${ALSA_BUFFERS} device=${quote(rest)}`;
    case 'default':
      if (options.sound === 'pulse') return `pulsesink ${device} ${PULSE_BUFFERS} ${CLIENT}`;
      if (options.sound === 'alsa') return `${CONVERT} ! alsasink ${device} ${ALSA_BUFFERS}`;
      return outputElements('null', options);
    default:
      throw unknownDevice(id);
  }
}

/** Only one pipeline at a time may have it open. */
export function isExclusive(id: string): boolean {
  return id.startsWith('alsa:hw:');
}

function unknownDevice(id: string): OffhookError {
  return new OffhookError('device', 'no-such-device', `There is no audio device ${id}`);
}
