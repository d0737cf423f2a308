import { randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { findTone, hasTone, sine, goertzel } from '@offhook/common/audio';
import { freePorts, releasePorts } from '../infra/ports.ts';
import { until } from '../infra/wait.ts';
import { encodeG711, PAYLOAD_TYPES, silence, type G711 } from './g711.ts';
import { buildRtp, parseRtp } from './rtp.ts';
import { RtpCapture } from './rtp-capture.ts';
import type { SrtpContext } from './srtp.ts';

const FRAME = 160;
/** Of a tone in a mix. */
const AUDIBLE_DB = -40;
const FRAME_MS = 20;

export interface MediaAddress {
  readonly address: string;
  readonly port: number;
}

export interface MediaPeerOptions {
  /** Numeric IPv4 or IPv6 address. */
  readonly address: string;
  readonly law?: G711;
  /** What it plays once it knows where to; silence when absent. */
  readonly toneHz?: number;
  /** The same, over and over: 8,000 samples a second, in whole frames of 20 ms. */
  readonly voice?: Float32Array;
  /** It waits for packets and answers to their source (default), or only sends where it is told. */
  readonly symmetric?: boolean;
  /** Every so many-th packet of its sound is lost on the way; none when absent. */
  readonly loses?: number;
}

/**
 * The far end's sound: the RTP socket behind the media address that SIPp writes into its SDP.
 * SIPp makes the call; what it "hears" is recorded here packet by packet, and can be listened to.
 */
export class MediaPeer {
  readonly capture = new RtpCapture();
  readonly #socket: Socket;
  readonly #address: MediaAddress;
  readonly #frames: readonly Uint8Array[];
  readonly #law: G711;
  readonly #symmetric: boolean;
  #target: MediaAddress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #sent = 0;
  #sequence = randomInt(65_536);
  #timestamp = randomInt(2 ** 32);
  #ssrc = randomInt(2 ** 32);
  #srtp: { readonly tx: SrtpContext; readonly rx: SrtpContext } | undefined;
  readonly #loses: number;
  #delivered = 0;
  #lost = 0;
  #rejected = 0;
  #junk = 0;

  private constructor(socket: Socket, options: MediaPeerOptions) {
    this.#socket = socket;
    const bound = socket.address();
    this.#address = { address: bound.address, port: bound.port };
    this.#law = options.law ?? 'PCMA';
    this.#symmetric = options.symmetric ?? true;
    this.#loses = options.loses ?? Infinity;
    this.#frames = frames(this.#law, options);
    socket.on('message', (bytes, from) => this.#receive(bytes, from));
    socket.on('error', () => undefined);
  }

  static async open(options: MediaPeerOptions): Promise<MediaPeer> {
    const port = await freePorts(2);
    const socket = createSocket({ type: options.address.includes(':') ? 'udp6' : 'udp4' });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port, address: options.address, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new MediaPeer(socket, options);
  }

  get address(): string {
    return this.#address.address;
  }

  get port(): number {
    return this.#address.port;
  }

  /** Where it sends to now. */
  get target(): MediaAddress | undefined {
    return this.#target;
  }

  /** Packets of its sound that went out, and those that were lost on purpose. */
  get played(): { readonly delivered: number; readonly lost: number } {
    return { delivered: this.#delivered, lost: this.#lost };
  }

  /** SRTP packets that failed authentication. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Packets that were no RTP at all. */
  get junk(): number {
    return this.#junk;
  }

  useSrtp(contexts: { readonly tx: SrtpContext; readonly rx: SrtpContext }): void {
    this.#srtp = contexts;
  }

  /** Sends to this address from now on, and starts if it had not. */
  sendTo(target: MediaAddress): void {
    this.#target = target;
    if (this.#timer !== undefined) return;
    this.#startedAt = performance.now();
    this.#sent = 0;
    this.#timer = setInterval(() => this.#play(), FRAME_MS);
  }

  /** RFC 3389: a packet that says how loud its silence is (-dBov), and silence of `ms` that is not sent. */
  async silence(level: number, ms: number): Promise<void> {
    const target = this.#target;
    this.stop();
    const payload = Uint8Array.of(level);
    this.#send({ payloadType: 13, marker: false, timestamp: this.#timestamp, payload });
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#timestamp = (this.#timestamp + (FRAME * ms) / FRAME_MS) >>> 0;
    if (target !== undefined) this.sendTo(target);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Any bytes to the far end, from this port: junk, replays. */
  sendRaw(bytes: Uint8Array, target = this.#target): void {
    if (target !== undefined) this.#socket.send(bytes, target.port, target.address);
  }

  /** RFC 4733 §2.5.1.4: a packet every 20 ms, the last one three times; gaps of 60 ms. */
  async sendDtmf(digits: string, payloadType: number, durationMs = 100): Promise<void> {
    for (const digit of digits) {
      const code = '0123456789*#ABCD'.indexOf(digit.toUpperCase());
      const timestamp = this.#timestamp;
      const steps = Math.ceil(durationMs / FRAME_MS);
      for (let step = 1; step <= steps + 2; step++) {
        const end = step >= steps;
        const duration = Math.min(step, steps) * FRAME;
        const payload = Uint8Array.of(code, (end ? 0x80 : 0) | 10, duration >> 8, duration & 0xff);
        this.#send({ payloadType, marker: step === 1, timestamp, payload });
        await new Promise((resolve) => setTimeout(resolve, end ? 2 : FRAME_MS));
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }

  /** Waits until the tone is there for `ms` in all, in what has come since `mark`. */
  async hears(
    hz: number,
    options: { ms?: number; within?: number; mark?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const ms = options.ms ?? 300;
    const report = () => findTone(this.capture.audio(options.mark), hz);
    await until(`${ms} ms of ${hz} Hz at the far end`, () => report().presentMs >= ms, {
      within: options.within ?? 6000,
      every: 50,
      signal: options.signal,
      seen: () =>
        `it heard ${report().presentMs} ms in ${this.capture.mark} packets` +
        ` of type ${this.capture.payloadTypes().join(', ')}`,
    });
  }

  /** The tone is in the most recent 200 ms. */
  hearsNow(hz: number): boolean {
    const { samples, sampleRate } = this.capture.audio(Math.max(0, this.capture.mark - 10));
    return samples.length >= 800 && hasTone(samples, hz, sampleRate);
  }

  /** Which of these tones are in most of the most recent second: more than one can be. */
  mixNow(tones: readonly number[]): readonly number[] {
    const { samples, sampleRate } = this.capture.audio(Math.max(0, this.capture.mark - 50));
    const piece = sampleRate / 10;
    const pieces = Array.from({ length: Math.floor(samples.length / piece) }, (_, at) =>
      samples.subarray(at * piece, (at + 1) * piece),
    );
    return tones.filter((hz) => {
      const heard = pieces.filter((part) => goertzel(part, hz, sampleRate) > AUDIBLE_DB);
      return heard.length >= 6;
    });
  }

  close(): void {
    this.stop();
    try {
      this.#socket.close();
      releasePorts(this.#address.port, 2);
    } catch {
      // Closed before.
    }
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    let plain: Uint8Array | undefined = bytes;
    if (this.#srtp !== undefined) {
      plain = this.#srtp.rx.unprotect(bytes);
      if (plain === undefined) {
        this.#rejected++;
        return;
      }
    }
    const rtp = parseRtp(plain);
    if (rtp === undefined) {
      this.#junk++;
      return;
    }
    this.capture.add({ at: performance.now(), from: `${from.address}:${from.port}`, rtp });
    if (this.#symmetric && this.#target === undefined)
      this.sendTo({ address: from.address, port: from.port });
  }

  /** As many frames as the time that has gone by asks for: the timer alone would drift. */
  #play(): void {
    const due = Math.min(this.#sent + 10, (performance.now() - this.#startedAt) / FRAME_MS);
    for (; this.#sent < due; this.#sent++) {
      if ((this.#sent + 1) % this.#loses === 0) this.#lose();
      else this.#playFrame();
      this.#timestamp = (this.#timestamp + FRAME) >>> 0;
    }
  }

  #playFrame(): void {
    const payload = this.#frames[this.#sent % this.#frames.length] ?? new Uint8Array(FRAME);
    this.#send({
      payloadType: PAYLOAD_TYPES[this.#law],
      marker: this.#sent === 0,
      timestamp: this.#timestamp,
      payload,
    });
    this.#delivered++;
  }

  #lose(): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#lost++;
  }

  #send(packet: {
    payloadType: number;
    marker: boolean;
    timestamp: number;
    payload: Uint8Array;
  }): void {
    const bytes = buildRtp({ ...packet, sequence: this.#sequence, ssrc: this.#ssrc });
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.sendRaw(this.#srtp === undefined ? bytes : this.#srtp.tx.protect(bytes));
  }
}

/** The voice, or a second of the tone (whole periods, for any whole number of hertz), in frames of 20 ms. */
function frames(
  law: G711,
  { toneHz, voice }: Pick<MediaPeerOptions, 'toneHz' | 'voice'>,
): Uint8Array[] {
  const samples = voice ?? (toneHz === undefined ? undefined : sine(toneHz, 1).samples);
  if (samples === undefined) return [new Uint8Array(FRAME).fill(silence(law))];
  return Array.from({ length: Math.floor(samples.length / FRAME) }, (_, index) =>
    encodeG711(law, samples.subarray(FRAME * index, FRAME * (index + 1))),
  );
}
