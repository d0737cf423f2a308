import type { LegConfig } from '../media-plane.ts';
import { codecElements, packetMs } from './codecs.ts';
import { conferenceMixer } from './conference-elements.ts';
import { inputElements, outputElements, type SoundServer } from './device-elements.ts';
import { quote } from './quote.ts';
import { tapElements, type Taps } from './tap-elements.ts';
import { speakerTap, voiceElements } from './voice-elements.ts';

/** What `pipeline.play` takes. */
export interface PipelineDescription {
  readonly description: string;
  readonly probes: readonly object[];
}

export interface LegShape {
  readonly config: LegConfig;
  /** The devices in use: another one than configured while that one is gone. */
  readonly input: string;
  readonly output: string;
  readonly sound: SoundServer;
  readonly jitterMs: number;
  readonly inputVolume: number;
  readonly outputVolume: number;
  /** A recording goes on instead of beginning anew. */
  readonly append: boolean;
  readonly taps: Taps;
}

/** Gaps that are concealed, ms; see worker/conceal.h. */
const CONCEAL = { minMs: 10, maxMs: 2000 };

/** One leg as one pipeline without dynamic pads, in gst-launch syntax. */
export function describeLeg(leg: LegShape): PipelineDescription {
  const { codec, sockets, muted } = leg.config;
  const elements = codecElements[codec.name];
  const ptimeMs = packetMs(codec);
  const ptimeNs = ptimeMs * 1_000_000;
  const raw = `audio/x-raw,format=S16LE,layout=interleaved,rate=${elements.audioRate},channels=1`;
  const rtp = `application/x-rtp,media=audio,clock-rate=${codec.clockRate},encoding-name=${elements.encodingName},payload=${codec.payloadType}`;
  const packets =
    codec.name === 'opus' ? '' : `min-ptime=${ptimeNs} max-ptime=${ptimeNs} perfect-rtptime=true`;
  const { hears } = leg.config;
  const taps = tapElements(leg.taps);
  const voice = voiceElements(leg.input, leg.sound, leg.config.voice);
  const description = [
    [
      inputElements(leg.input, { sound: leg.sound, rate: elements.audioRate, ptimeMs }),
      raw,
      ...voice,
      `volume name=microphone mute=${muted} volume=${leg.inputVolume}`,
      taps.near,
      ...(hears === undefined ? [] : [conferenceMixer(hears)]),
      elements.encoder(codec),
      `${elements.payloader} name=pay pt=${codec.payloadType} mtu=1400 ${packets}`,
      `offhookrtpsink port=${quote(sockets)}`,
    ].join(' ! '),
    [
      `offhookrtpsrc port=${quote(sockets)} caps=${quote(rtp)}`,
      `rtpjitterbuffer name=jitter latency=${leg.jitterMs} do-lost=true`,
      `${elements.depayloader} name=depay`,
      elements.decoder(codec),
      ...(elements.conceal ? ['offhookplc name=plc'] : []),
      ...(leg.input === 'echo' ? ['tee name=echo'] : []),
      taps.far,
      `volume name=speaker volume=${leg.outputVolume}`,
      ...speakerTap(leg.output, leg.sound),
      outputElements(leg.output, { sound: leg.sound, append: leg.append }),
    ].join(' ! '),
  ].join('  ');
  return {
    description,
    probes: [
      { kind: 'empty', element: 'depay', pad: 'sink' },
      {
        kind: 'gaps',
        element: elements.conceal ? 'plc' : 'dec',
        pad: 'sink',
        name: 'plc',
        ...CONCEAL,
      },
      { kind: 'mixer', element: 'enc', pad: 'sink', name: 'inband' },
      { kind: 'level', element: 'enc', pad: 'sink', name: 'input' },
      { kind: 'level', element: 'speaker', pad: 'src', name: 'output' },
      { kind: 'stats', element: 'jitter', name: 'jitter' },
      ...(voice.length === 0 ? [] : [{ kind: 'stats', element: 'voice', name: 'voice' }]),
    ],
  };
}
