import type { Logger } from '@offhook/common';
import type { AudioRole } from '@offhook/media-rpc';
import type { LegConfig } from '../media-plane.ts';
import type { PortCounters, SrtpEpochs } from './counters.ts';
import { describeLeg, type PipelineDescription } from './description.ts';
import { isExclusive, type SoundServer } from './device-elements.ts';
import { adaptJitter, startJitter, type JitterState } from './jitter-control.ts';
import { writeLegTag, type LegTag } from './leg-tag.ts';
import { nextEpochs, portSettings, resumeFrom } from './port-settings.ts';
import type { PortStats, ProbeFigures } from './protocol.ts';
import { tapsOf, type Taps } from './tap-elements.ts';
import { isSoundDevice, voiceProperties } from './voice-elements.ts';
import type { WorkerLink } from './worker-link.ts';

export interface LegContext {
  readonly link: WorkerLink;
  readonly logger: Logger;
  readonly sound: () => SoundServer;
  readonly volume: (role: AudioRole) => number;
  readonly recorded: (leg: string) => boolean;
}

const PREFIX = 'leg:';
const ADAPT_MS = 900;

export function legPipeline(id: string): string {
  return PREFIX + id;
}

/** The leg that a pipeline belongs to, if it is one. */
export function legOfPipeline(pipeline: string): string | undefined {
  return pipeline.startsWith(PREFIX) ? pipeline.slice(PREFIX.length) : undefined;
}

/**
 * One leg: keeps the worker's port and pipeline in step with its configuration, each change by the
 * least intrusion. Operations on one leg run one after the other.
 */
export class Leg {
  readonly #context: LegContext;
  #config: LegConfig;
  /** Devices in use instead of the configured ones, while those are gone. */
  readonly #fallback = new Map<'input' | 'output', string>();
  #jitter: JitterState;
  #epochs: SrtpEpochs = { tx: 0, rx: 0 };
  #serial = 0;
  #playing: string | undefined;
  #settings: string | undefined;
  #muted: boolean | undefined;
  /** Properties of the voice processing as the worker has them. */
  #voice: Readonly<Record<string, string>> = {};
  #recording: string | undefined;
  #countersUnknown = false;
  #lossPercent = 0;
  #adaptedAt = -Infinity;
  #last = { late: 0, received: 0 };
  #queue: Promise<unknown> = Promise.resolve();

  constructor(context: LegContext, config: LegConfig) {
    this.#context = context;
    this.#config = config;
    this.#jitter = startJitter(config.jitterBufferMs);
  }

  /** A leg that a worker has kept running, as its tag tells. */
  static adopt(context: LegContext, tag: LegTag): Leg {
    const leg = new Leg(context, tag.config);
    leg.#epochs = tag.epochs;
    leg.#serial = tag.serial;
    leg.#jitter = { latencyMs: tag.jitterMs, calm: 0 };
    if (tag.input !== tag.config.input) leg.#fallback.set('input', tag.input);
    if (tag.output !== tag.config.output) leg.#fallback.set('output', tag.output);
    leg.#playing = leg.#describe().description;
    leg.#settings = JSON.stringify(portSettings(tag.config, tag.epochs));
    leg.#muted = tag.config.muted;
    leg.#voice = voiceProperties(tag.config.voice);
    leg.#recording = tag.config.output;
    return leg;
  }

  get config(): LegConfig {
    return this.#config;
  }

  get serial(): number {
    return this.#serial;
  }

  get jitterMs(): number {
    return this.#jitter.latencyMs;
  }

  device(role: 'input' | 'output'): string {
    return this.#fallback.get(role) ?? this.#config[role];
  }

  set(config: LegConfig): Promise<void> {
    return this.#run(() => this.#set(config));
  }

  /** Uses another device than configured, or (undefined) the configured one again. */
  useDevice(role: 'input' | 'output', device: string | undefined): Promise<void> {
    return this.#run(async () => {
      if (device === undefined || device === this.#config[role]) this.#fallback.delete(role);
      else this.#fallback.set(role, device);
      await this.#play();
    });
  }

  /** Plays as it should by now, if that is something else: `default` may mean another device. */
  refresh(): Promise<void> {
    return this.#run(async () => {
      if (this.#playing !== undefined && this.#describe().description !== this.#playing)
        await this.#play();
    });
  }

  /** Another device than configured is in use. */
  get onStandIn(): boolean {
    return this.#fallback.size > 0;
  }

  /** It must stay silent until it has new keys, because its SRTP indices are not known. */
  get countersUnknown(): boolean {
    return this.#countersUnknown;
  }

  /** Builds the leg on a new worker, whose port is open already. */
  rebuild(counters: PortCounters | undefined): Promise<void> {
    return this.#run(async () => {
      const { resume, unknown } = resumeFrom(this.#config, this.#epochs, counters);
      this.#countersUnknown ||= unknown;
      this.#playing = undefined;
      const settings = this.#portSettings();
      await this.#context.link.request('port.set', { ...settings, resume });
      this.#settings = JSON.stringify(settings);
      await this.#play();
    });
  }

  close(): Promise<void> {
    return this.#run(async () => {
      await this.#context.link.request('pipeline.close', { id: this.#pipeline });
      this.#playing = undefined;
    });
  }

  async setVolume(role: AudioRole, volume: number): Promise<void> {
    if (this.#playing === undefined || role === 'ringer') return;
    await this.#context.link.request('pipeline.set', {
      id: this.#pipeline,
      element: role === 'input' ? 'microphone' : 'speaker',
      property: 'volume',
      value: String(volume),
    });
  }

  /** It is recorded, or no more: nothing of it has to be rebuilt for that. */
  tap(): Promise<void> {
    return this.#run(async () => {
      if (this.#playing === undefined) return;
      for (const [element, value] of Object.entries(this.#taps)) {
        const change = { id: this.#pipeline, element, property: 'bus', value };
        await this.#context.link.request('pipeline.set', change);
      }
    });
  }

  /** Figures of this leg are due by which it is adapted: once a second, whoever asks for them. */
  adaptationDue(now: number): boolean {
    return now - this.#adaptedAt >= ADAPT_MS;
  }

  /** Adapts the jitter buffer, and what is sent, to a second of reception. */
  async adapt(port: PortStats, probes: ProbeFigures, now: number): Promise<void> {
    if (!this.adaptationDue(now)) return;
    this.#adaptedAt = now;
    const late = probes['jitter']?.['num-late'] ?? 0;
    const sample = {
      jitterMs: port.rx.jitterMs,
      late: Math.max(0, late - this.#last.late),
      received: Math.max(0, port.rx.packets - this.#last.received),
    };
    this.#last = { late, received: port.rx.packets };
    await this.#protectAgainstLoss(port.remote?.fractionLost ?? 0);
    const before = this.#jitter.latencyMs;
    this.#jitter = adaptJitter(this.#jitter, sample, this.#config.jitterBufferMs);
    if (this.#jitter.latencyMs === before || this.#playing === undefined) return;
    await this.#context.link.request('pipeline.set', {
      id: this.#pipeline,
      element: 'jitter',
      property: 'latency',
      value: String(this.#jitter.latencyMs),
    });
  }

  /** Opus: redundancy as the peer's reports of loss ask for it (RFC 6716 §2.1.7). */
  async #protectAgainstLoss(fractionLost: number): Promise<void> {
    if (this.#config.codec.opus?.inbandFec !== true || this.#playing === undefined) return;
    const percent = Math.min(30, Math.round(100 * fractionLost));
    if (Math.abs(percent - this.#lossPercent) < 2) return;
    this.#lossPercent = percent;
    await this.#context.link.request('pipeline.set', {
      id: this.#pipeline,
      element: 'enc',
      property: 'packet-loss-percentage',
      value: String(percent),
    });
  }

  async #set(config: LegConfig): Promise<void> {
    const before = this.#config;
    const { link } = this.#context;
    if (config.input !== before.input) this.#fallback.delete('input');
    if (config.output !== before.output) this.#fallback.delete('output');
    const epochs = nextEpochs(this.#epochs, before.srtp, config.srtp);
    // Only a new key of our own makes up for counters that are lost.
    if (epochs.tx !== this.#epochs.tx || config.srtp === undefined) this.#countersUnknown = false;
    this.#epochs = epochs;
    this.#config = config;
    const settings = this.#portSettings();
    const written = JSON.stringify(settings);
    const rebuild = this.#describe().description !== this.#playing;
    const codecChanges = rebuild && this.#playing !== undefined;
    if (written !== this.#settings) {
      // Packets of the new codec must not reach the old decoder.
      await link.request('port.set', codecChanges ? silenced(settings) : settings);
      this.#settings = codecChanges ? undefined : written;
    }
    if (rebuild) await this.#play();
    if (this.#settings !== written) {
      await link.request('port.set', settings);
      this.#settings = written;
    }
    if (this.#muted !== config.muted) await this.#mute(config.muted);
    await this.#processVoice();
    if (!rebuild) await link.request('tag', { pipeline: this.#pipeline, tag: this.#tag() });
  }

  async #processVoice(): Promise<void> {
    const { link, sound } = this.#context;
    const wanted = voiceProperties(this.#config.voice);
    if (isSoundDevice(this.device('input'), sound())) {
      for (const [property, value] of Object.entries(wanted)) {
        if (this.#voice[property] === value) continue;
        const change = { id: this.#pipeline, element: 'voice', property, value };
        await link.request('pipeline.set', change);
      }
    }
    this.#voice = wanted;
  }

  async #mute(muted: boolean): Promise<void> {
    await this.#context.link.request('pipeline.set', {
      id: this.#pipeline,
      element: 'microphone',
      property: 'mute',
      value: String(muted),
    });
    this.#muted = muted;
  }

  async #play(): Promise<void> {
    const described = this.#describe();
    const exclusive = isExclusive(this.device('input')) || isExclusive(this.device('output'));
    this.#serial++;
    try {
      await this.#context.link.request('pipeline.play', {
        id: this.#pipeline,
        tag: this.#tag(),
        serial: this.#serial,
        closeFirst: exclusive,
        // What may change without a rebuild is left out of the comparison, and so set here.
        description: this.#describe(true).description,
        probes: described.probes,
      });
    } catch (error) {
      this.#playing = undefined;
      throw error;
    }
    this.#playing = described.description;
    this.#muted = this.#config.muted;
    this.#voice = voiceProperties(this.#config.voice);
    this.#recording = this.device('output');
    this.#last = { late: 0, received: this.#last.received };
    this.#lossPercent = 0;
  }

  /** Without `live`, the part of the description whose change means a rebuild. */
  #describe(live = false): PipelineDescription {
    const { sound, volume } = this.#context;
    return describeLeg({
      config: live ? this.#config : unchanging(this.#config),
      input: this.device('input'),
      output: this.device('output'),
      sound: sound(),
      jitterMs: live ? this.#jitter.latencyMs : 0,
      inputVolume: live ? volume('input') : 1,
      outputVolume: live ? volume('output') : 1,
      append: live && this.#recording === this.device('output'),
      taps: live ? this.#taps : { near: '', far: '' },
    });
  }

  get #taps(): Taps {
    const { id, hears } = this.#config;
    const recorded = this.#context.recorded(id);
    return tapsOf(id, { conference: hears !== undefined, recorded });
  }

  #portSettings(): object {
    const settings = portSettings(this.#config, this.#epochs);
    // Without its counters a leg is silent until it has new keys.
    return this.#countersUnknown ? silenced({ ...settings, srtp: undefined }) : settings;
  }

  #tag(): string {
    return writeLegTag({
      epochs: this.#epochs,
      serial: this.#serial,
      input: this.device('input'),
      output: this.device('output'),
      jitterMs: this.#jitter.latencyMs,
      config: this.#config,
    });
  }

  get #pipeline(): string {
    return legPipeline(this.#config.id);
  }

  #run<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(operation);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** A configuration without what may change while the pipeline plays. */
function unchanging(config: LegConfig): LegConfig {
  const { voice: _, ...unvoiced } = config;
  return { ...unvoiced, muted: false };
}

/** The same port settings, with nothing received; nothing sent either where keys are missing. */
function silenced(settings: object): object {
  const base = settings as { tx: object; rx: object; srtp?: unknown };
  return {
    ...base,
    rx: { ...base.rx, enabled: false },
    tx: 'srtp' in base && base.srtp === undefined ? { ...base.tx, enabled: false } : base.tx,
  };
}
