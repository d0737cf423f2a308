import { Emitter, OffhookError } from '@offhook/common';
import { mediaError, type AudioDevice, type AudioRole } from '@offhook/media-rpc';
import type {
  LegConfig,
  LegStats,
  MediaPlane,
  MediaPlaneEvents,
  RecordingConfig,
  RtpSockets,
  ToneCadence,
} from '../../src/media-plane.ts';

/** What a worker holds, in memory: it outlives the plane that drives it. */
export class MemoryWorker {
  readonly sockets = new Map<string, RtpSockets & { tag: string }>();
  readonly legs = new Map<string, LegConfig>();
  readonly recordings = new Map<string, RecordingConfig & { paused: boolean }>();
  readonly tones = new Map<string, { tone: ToneCadence; device: string }>();
  readonly volumes = new Map<AudioRole, number>();
  devices: AudioDevice[] = [
    { id: 'pulse:headset', name: 'Headset', roles: ['input', 'output', 'ringer'], present: true },
  ];
  nextId = 1;
  running = true;
  leaseMs = 0;
}

/** A media plane without media: it remembers what it is told and reports what a test says. */
export class MemoryPlane implements MediaPlane {
  readonly worker: MemoryWorker;
  readonly calls: string[] = [];
  readonly sent: { leg: string; digits: string; method: string }[] = [];
  readonly legStats = new Map<string, Partial<LegStats>>();
  /** Makes the next call of that method fail. */
  readonly failures = new Map<keyof MediaPlane, Error>();
  /** Figures as if packets flowed. */
  counting = false;
  closed: { stopWorker: boolean } | undefined;
  readonly #events = new Emitter<MediaPlaneEvents>();

  constructor(worker = new MemoryWorker()) {
    this.worker = worker;
  }

  on<K extends keyof MediaPlaneEvents>(name: K, listener: (event: MediaPlaneEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  emit<K extends keyof MediaPlaneEvents>(name: K, event: MediaPlaneEvents[K]): void {
    this.#events.emit(name, event);
  }

  adopt() {
    return this.#do('adopt', '', () => ({
      sockets: [...this.worker.sockets.values()],
      legs: [...this.worker.legs.values()],
      recordings: [...this.worker.recordings.values()],
    }));
  }

  openSockets(options: Parameters<MediaPlane['openSockets']>[0]) {
    return this.#do('openSockets', options.address, () => {
      const taken = new Set([...this.worker.sockets.values()].map(({ rtp }) => rtp.port));
      for (let port = options.ports.from; port < options.ports.to; port += 2) {
        if (taken.has(port)) continue;
        const { address } = options;
        const id = `s${this.worker.nextId++}`;
        const sockets = { id, rtp: { address, port }, rtcp: { address, port: port + 1 } };
        this.worker.sockets.set(id, { ...sockets, tag: options.tag });
        return sockets;
      }
      throw mediaError('limit-reached', 'No port is free');
    });
  }

  closeSockets(id: string) {
    return this.#do('closeSockets', id, () => {
      this.worker.sockets.delete(id);
      this.worker.legs.delete(id);
    });
  }

  setTag(id: string, tag: string) {
    return this.#do('setTag', id, () => {
      const sockets = this.worker.sockets.get(id);
      if (sockets === undefined) throw new OffhookError('worker', 'no-sockets', id);
      this.worker.sockets.set(id, { ...sockets, tag });
    });
  }

  setLeg(config: LegConfig) {
    return this.#do('setLeg', config.id, () => {
      if (!this.worker.sockets.has(config.sockets)) {
        throw new OffhookError('worker', 'no-sockets', config.sockets);
      }
      this.worker.legs.set(config.id, config);
    });
  }

  closeLeg(id: string) {
    return this.#do('closeLeg', id, () => {
      this.worker.legs.delete(id);
    });
  }

  startRecording(config: RecordingConfig) {
    return this.#do('startRecording', config.leg, () => {
      this.worker.recordings.set(config.leg, { ...config, paused: false });
    });
  }

  pauseRecording(leg: string, paused: boolean) {
    return this.#do('pauseRecording', `${leg} ${paused}`, () => {
      const recording = this.worker.recordings.get(leg);
      if (recording !== undefined) this.worker.recordings.set(leg, { ...recording, paused });
    });
  }

  stopRecording(leg: string) {
    return this.#do('stopRecording', leg, () => {
      this.worker.recordings.delete(leg);
    });
  }

  sendDtmf(leg: string, options: { digits: string; method: 'rfc4733' | 'inband' }) {
    return this.#do('sendDtmf', leg, () => {
      this.sent.push({ leg, digits: options.digits, method: options.method });
    });
  }

  stats(leg: string) {
    const packets = this.counting ? 50 : 0;
    return this.#do('stats', leg, () => ({
      tx: { packets, bytes: packets * 172, ssrc: 1 },
      rx: { packets: 0, bytes: 0, lost: 0, jitterMs: 0, rejected: 0 },
      concealedPct: 0,
      jitterBufferMs: 40,
      sendingTo: { address: '192.0.2.1', port: 1 },
      ...this.legStats.get(leg),
    }));
  }

  setVolume(role: AudioRole, volume: number) {
    return this.#do('setVolume', role, () => {
      this.worker.volumes.set(role, volume);
    });
  }

  playTone(id: string, tone: ToneCadence, device: string) {
    return this.#do('playTone', id, () => {
      this.worker.tones.set(id, { tone, device });
    });
  }

  stopTone(id: string) {
    return this.#do('stopTone', id, () => {
      this.worker.tones.delete(id);
    });
  }

  listDevices() {
    return this.#do('listDevices', '', () => this.worker.devices);
  }

  setLease(ms: number) {
    return this.#do('setLease', String(ms), () => {
      this.worker.leaseMs = ms;
    });
  }

  close(options: { stopWorker: boolean }) {
    this.closed = options;
    this.#events.clear();
    if (options.stopWorker) {
      this.worker.running = false;
      this.worker.sockets.clear();
      this.worker.legs.clear();
    }
    return Promise.resolve();
  }

  async #do<T>(method: keyof MediaPlane, what: string, work: () => T): Promise<T> {
    this.calls.push(`${method} ${what}`.trim());
    await Promise.resolve();
    const failure = this.failures.get(method);
    if (failure === undefined) return work();
    this.failures.delete(method);
    throw failure;
  }
}
