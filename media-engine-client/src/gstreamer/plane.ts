import { isDeepStrictEqual } from 'node:util';
import { Emitter, isOffhookError, type Clock, type Logger, type Timer } from '@offhook/common';
import { mediaError, type AudioDevice, type AudioRole, type StandIns } from '@offhook/media-rpc';
import type {
  LegConfig,
  LegStats,
  MediaPlane,
  MediaPlaneEvents,
  RecordingConfig,
  RtpSockets,
  ToneCadence,
} from '../media-plane.ts';
import type { PortCounters } from './counters.ts';
import { DeviceFallback, deviceFailure } from './device-fallback.ts';
import { DeviceWatch } from './device-watch.ts';
import { DtmfSender } from './dtmf-sender.ts';
import { Leg, legOfPipeline, legPipeline, type LegContext } from './leg.ts';
import { legStats } from './leg-stats.ts';
import { readLegTag } from './leg-tag.ts';
import type { WorkerEvent } from './protocol.ts';
import { Recorders } from './recorders.ts';
import { RtpPorts } from './rtp-ports.ts';
import { standInsOf } from './stand-ins.ts';
import { TonePlayer } from './tone-player.ts';
import { ignoreGone, rethrow, translate } from './worker-errors.ts';
import { WorkerLink, type WorkerLinkOptions } from './worker-link.ts';

const POLL_MS = 1000;
/** So many polls in a row without an answer (10 s each), and the worker is taken to hang. */
const HANGS = 2;
/** How long a command waits for a worker that is being restarted. */
const RESTART_PATIENCE_MS = 3000;

/** `MediaPlane` over the C worker and GStreamer. */
export class GStreamerPlane implements MediaPlane {
  readonly #events = new Emitter<MediaPlaneEvents>();
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #link: WorkerLink;
  readonly #ports: RtpPorts;
  readonly #legs = new Map<string, Leg>();
  readonly #volumes = new Map<AudioRole, number>();
  readonly #devices: DeviceWatch;
  readonly #fallback: DeviceFallback;
  readonly #dtmf: DtmfSender;
  readonly #tones: TonePlayer;
  readonly #recorders: Recorders;
  readonly #context: LegContext;
  #standIns: StandIns = {};
  #poll: Timer | undefined;
  #unanswered = 0;
  #closed = false;

  constructor(options: WorkerLinkOptions) {
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#link = new WorkerLink(options, (counters) => this.#rebuild(counters));
    this.#ports = new RtpPorts(this.#link);
    this.#devices = new DeviceWatch(this.#link, this.#clock, this.#logger);
    this.#fallback = new DeviceFallback({
      devices: this.#devices,
      legs: () => this.#legs.values(),
      clock: this.#clock,
      logger: this.#logger,
      onFailed: (event) => this.#events.emit('deviceFailed', event),
      onMoved: () => this.#tellStandIns(),
    });
    this.#dtmf = new DtmfSender(this.#link, this.#clock);
    this.#tones = new TonePlayer(this.#link, {
      sound: () => this.#devices.sound,
      volume: () => this.#volume('ringer'),
      // Silence is no stand-in for a ring.
      standIns: (device) =>
        this.#devices.standIns('ringer', device).filter((other) => other !== 'null'),
      isPresent: (device) => this.#devices.isPresent(device, 'ringer'),
      isGone: (device) => this.#devices.isGone(device, 'ringer'),
      onMoved: () => this.#tellStandIns(),
    });
    this.#recorders = new Recorders(this.#link, {
      clock: this.#clock,
      tap: async (leg) => this.#legs.get(leg)?.tap(),
      onEnded: (end) => this.#events.emit('recordingEnded', end),
    });
    this.#context = {
      link: this.#link,
      logger: this.#logger,
      sound: () => this.#devices.sound,
      volume: (role) => this.#volume(role),
      recorded: (leg) => this.#recorders.has(leg),
    };
    this.#link.on('event', (event) => this.#onWorkerEvent(event));
    this.#link.on('lost', ({ message }) => {
      this.#recorders.lost();
      this.#workerState('restarting', message);
    });
    this.#link.on('failed', ({ message }) => this.#workerState('failed', message));
    this.#devices.on('changed', (devices) => {
      this.#events.emit('devicesChanged', { devices });
      this.#fallback.devicesChanged();
      this.#tones.devicesChanged().catch((error: unknown) => this.#inaudible(error));
    });
  }

  async open(): Promise<void> {
    await this.#link.open();
    await this.#devices.list();
  }

  get workerPid(): number {
    return this.#link.pid;
  }

  on<K extends keyof MediaPlaneEvents>(
    name: K,
    listener: (event: MediaPlaneEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  async adopt(): ReturnType<MediaPlane['adopt']> {
    await this.#up();
    const running = await this.#link.request('list');
    this.#ports.adopt(running.ports);
    for (const pipeline of running.pipelines) {
      if (this.#recorders.adopt(pipeline)) continue;
      const id = legOfPipeline(pipeline.id);
      const tag = id === undefined ? undefined : readLegTag(pipeline.tag);
      if (tag !== undefined) this.#legs.set(tag.config.id, Leg.adopt(this.#context, tag));
      else await this.#link.request('pipeline.close', { id: pipeline.id });
    }
    this.#watch();
    return {
      sockets: this.#ports.list(),
      legs: [...this.#legs.values()].map((leg) => leg.config),
      recordings: this.#recorders.list(),
    };
  }

  async openSockets(options: Parameters<MediaPlane['openSockets']>[0]): Promise<RtpSockets> {
    await this.#up();
    return this.#ports.open(options);
  }

  async closeSockets(id: string): Promise<void> {
    const legs = [...this.#legs.values()].filter((leg) => leg.config.sockets === id);
    await Promise.all(legs.map((leg) => this.closeLeg(leg.config.id)));
    await this.#ports.close(id);
  }

  async setTag(id: string, tag: string): Promise<void> {
    await this.#up();
    await this.#ports.setTag(id, tag);
  }

  async setLeg(config: LegConfig): Promise<void> {
    await this.#up();
    if (!this.#ports.has(config.sockets))
      throw mediaError('invalid-params', `There are no sockets ${config.sockets}`);
    let leg = this.#legs.get(config.id);
    if (leg === undefined) {
      leg = new Leg(this.#context, config);
      this.#legs.set(config.id, leg);
      this.#watch();
    }
    try {
      await leg.set(config);
    } catch (error) {
      await this.#fallback.startFailed(leg, error).catch(rethrow);
      await leg.set(config).catch(rethrow);
    }
    await this.#recorders.hears(config.id, config.hears ?? []);
    this.#tellStandIns();
  }

  async closeLeg(id: string): Promise<void> {
    const leg = this.#legs.get(id);
    this.#legs.delete(id);
    if (leg !== undefined) await leg.close().catch(ignoreGone);
    this.#tellStandIns();
  }

  async startRecording(config: RecordingConfig): Promise<void> {
    await this.#up();
    const leg = this.#leg(config.leg);
    await this.#recorders.start(config, leg.config.hears ?? []).catch(rethrow);
  }

  async pauseRecording(id: string, paused: boolean): Promise<void> {
    await this.#up();
    await this.#recorders.pause(id, paused).catch(rethrow);
  }

  stopRecording(id: string): Promise<void> {
    return this.#recorders.stop(id);
  }

  async sendDtmf(
    id: string,
    options: { digits: string; method: 'rfc4733' | 'inband'; durationMs: number; gapMs: number },
  ): Promise<void> {
    await this.#up();
    const leg = this.#leg(id);
    try {
      await this.#dtmf.send(leg.config, options);
    } catch (error) {
      throw translate(error);
    }
  }

  async stats(id: string): Promise<LegStats> {
    await this.#up();
    const leg = this.#leg(id);
    const { sockets } = leg.config;
    const pipeline = legPipeline(id);
    const answer = await this.#link.request('stats', { port: sockets, pipeline }).catch(rethrow);
    const port = answer.ports[sockets];
    if (port === undefined) throw mediaError('worker-down');
    void leg
      .adapt(port, answer.pipelines[pipeline] ?? {}, this.#clock.now())
      .catch(() => undefined); // the next figures will do
    return legStats(port, answer.pipelines[pipeline] ?? {}, leg.jitterMs);
  }

  async setVolume(role: AudioRole, volume: number): Promise<void> {
    await this.#up();
    this.#volumes.set(role, volume);
    await Promise.all([...this.#legs.values()].map((leg) => leg.setVolume(role, volume)));
    if (role === 'ringer') await this.#tones.setVolume(volume);
  }

  async playTone(id: string, tone: ToneCadence, device: string): Promise<void> {
    await this.#up();
    await this.#tones.play(id, tone, device).catch((error: unknown) => {
      throw deviceFailure(error)
        ? mediaError('device-failed', `${device} cannot be opened`)
        : translate(error);
    });
  }

  async stopTone(id: string): Promise<void> {
    await this.#tones.stop(id).catch(ignoreGone);
  }

  async listDevices(): Promise<readonly AudioDevice[]> {
    await this.#up();
    return this.#devices.list();
  }

  setLease(ms: number): Promise<void> {
    return this.#link.setLease(ms).catch(ignoreGone);
  }

  async close(options: { stopWorker: boolean }): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll?.cancel();
    this.#devices.close();
    this.#fallback.close();
    await this.#link.close(options);
    this.#events.clear();
  }

  #volume(role: AudioRole): number {
    return this.#volumes.get(role) ?? 1;
  }

  #leg(id: string): Leg {
    const leg = this.#legs.get(id);
    if (leg === undefined) throw mediaError('unknown-session', `There is no leg ${id}`);
    return leg;
  }

  async #up(): Promise<void> {
    if (this.#closed) throw mediaError('worker-down', 'The media plane is closed');
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = this.#clock.after(RESTART_PATIENCE_MS, () => reject(mediaError('worker-down')));
    try {
      await Promise.race([this.#link.ready, promise]);
    } catch (error) {
      throw translate(error);
    } finally {
      timer.cancel();
    }
  }

  #workerState(state: 'restarting' | 'failed', message: string): void {
    this.#logger.warn({ state }, message);
    this.#events.emit('worker', { state, message, countersUnknown: [] });
  }

  /** Everything as it was, on a new worker: the same ports, SSRCs, beyond the last packets. */
  async #rebuild(counters: ReadonlyMap<string, PortCounters>): Promise<void> {
    await this.#ports.rebuild();
    const silent = await Promise.all(
      [...this.#legs.values()].map(async (leg) => {
        try {
          await leg.rebuild(counters.get(leg.config.sockets));
        } catch (error) {
          await this.#fallback.startFailed(leg, error);
        }
        return leg.countersUnknown ? [leg.config.id] : [];
      }),
    );
    await this.#tones.rebuild();
    await this.#devices.refresh();
    this.#events.emit('worker', {
      state: 'up',
      message: 'the media worker serves again',
      countersUnknown: silent.flat(),
    });
  }

  #onWorkerEvent(event: WorkerEvent): void {
    switch (event.event) {
      case 'dtmf': {
        const leg = this.#legOfPort(event.port);
        if (leg !== undefined)
          this.#events.emit('dtmf', {
            leg: leg.config.id,
            digit: event.digit,
            durationMs: event.durationMs,
          });
        break;
      }
      case 'dtmf-sent':
        this.#dtmf.sent(event.token);
        break;
      case 'latched': {
        const leg = this.#legOfPort(event.port);
        const remote = { address: event.address, port: event.rtpPort };
        if (leg !== undefined) this.#events.emit('latched', { leg: leg.config.id, remote });
        break;
      }
      case 'pipeline':
        this.#onPipelineTrouble(event);
        break;
      case 'devices':
        this.#devices.changed();
        break;
    }
  }

  #legOfPort(port: string): Leg | undefined {
    return [...this.#legs.values()].find((leg) => leg.config.sockets === port);
  }

  #onPipelineTrouble(event: WorkerEvent & { event: 'pipeline' }): void {
    const { pipeline, element, message, serial } = event;
    const leg = this.#legs.get(legOfPipeline(pipeline) ?? '');
    if (event.kind !== 'eos') this.#logger.warn({ pipeline, element }, message);
    if (this.#recorders.heard(event) || event.kind === 'warning') return;
    if (leg === undefined) {
      this.#tones.failed(pipeline).catch((error: unknown) => this.#inaudible(error));
      return;
    }
    if (element === 'input' || element === 'output')
      this.#fallback.failed(leg, element, serial, message);
  }

  #inaudible(error: unknown): void {
    this.#logger.warn({ err: error }, 'a tone cannot be heard');
  }

  #tellStandIns(): void {
    const standIns = standInsOf(this.#legs.values(), this.#tones.standIn);
    if (isDeepStrictEqual(standIns, this.#standIns)) return;
    this.#standIns = standIns;
    this.#events.emit('standIns', { standIns });
  }

  /** Once a second while there are legs: the figures that the jitter buffers are led by. */
  #watch(): void {
    if (this.#poll !== undefined || this.#legs.size === 0 || this.#closed) return;
    this.#poll = this.#clock.after(POLL_MS, () => {
      this.#poll = undefined;
      void this.#adapt().finally(() => this.#watch());
    });
  }

  async #adapt(): Promise<void> {
    const now = this.#clock.now();
    if (![...this.#legs.values()].some((leg) => leg.adaptationDue(now))) return;
    try {
      const figures = await this.#link.request('stats');
      await Promise.all(
        [...this.#legs.values()].map(async (leg) => {
          const port = figures.ports[leg.config.sockets];
          const probes = figures.pipelines[legPipeline(leg.config.id)];
          if (port !== undefined && probes !== undefined)
            await leg.adapt(port, probes, this.#clock.now());
        }),
      );
      this.#unanswered = 0;
    } catch (error) {
      this.#logger.debug({ err: error }, 'no figures from the worker');
      if (isOffhookError(error, 'timeout') && ++this.#unanswered >= HANGS) this.#link.kill();
    }
  }
}
