import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  attributes,
  freePorts,
  MediaPeer,
  MICROPHONE_HZ,
  releasePorts,
  Sipp,
  SrtpContext,
  UdpRelay,
  until,
  type EngineProcess,
  type Phone,
} from '@offhook/test-sipp';
import { listen, type Heard } from './listener.ts';

const SCENARIO = join(import.meta.dirname, '../scenarios/uas-any.xml');
export const FAR_END_HZ = 1000;
const SUITE = 'AES_CM_128_HMAC_SHA1_80';
/** SIPp's own deadline, above that of any part. */
const LONGEST_MS = 3_600_000;

export interface CallOptions {
  /** Another one after the daemon was started again. */
  readonly phone: () => Phone;
  readonly directory: string;
  /** Of its files. */
  readonly name: string;
  readonly line?: 'alice' | 'secure' | 'timed';
  readonly transport?: 'udp' | 'tcp';
  /** Share of RTP packets that are lost each way. */
  readonly loss?: { readonly share: number; readonly seed: number };
  /** What the microphone of the thin client says, Hz. */
  readonly hears?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An established call between the phone and a SIPp, whose sound is recorded packet by packet. */
export class Call {
  readonly id: string;
  readonly far: MediaPeer;
  readonly sipp: Sipp;
  readonly #options: CallOptions;
  readonly #relay: UdpRelay | undefined;
  readonly #tx: SrtpContext | undefined;
  #key = '';
  #closed = false;

  private constructor(
    id: string,
    parts: { far: MediaPeer; sipp: Sipp; relay: UdpRelay | undefined; tx: SrtpContext | undefined },
    options: CallOptions,
  ) {
    this.id = id;
    this.far = parts.far;
    this.sipp = parts.sipp;
    this.#relay = parts.relay;
    this.#tx = parts.tx;
    this.#options = options;
  }

  static async place(options: CallOptions): Promise<Call> {
    const { line = 'alice', transport = 'udp', loss, directory, name, signal } = options;
    const secure = line === 'secure';
    const key = randomBytes(30);
    const far = await MediaPeer.open({
      address: '127.0.0.1',
      toneHz: FAR_END_HZ,
      symmetric: !secure,
    });
    const target = { address: far.address, port: far.port };
    const relay =
      loss === undefined
        ? undefined
        : await UdpRelay.open({ address: '127.0.0.1', target, loss: loss.share, seed: loss.seed });
    const sipp = await Sipp.start(
      {
        scenario: SCENARIO,
        transport,
        address: '127.0.0.1',
        port: await freePorts(2),
        media: relay === undefined ? target : { address: '127.0.0.1', port: relay.port },
        keys: {
          profile: secure ? 'RTP/SAVP' : 'RTP/AVP',
          keyed: secure ? `crypto:1 ${SUITE} inline:${key.toString('base64')}` : 'ptime:20',
        },
        extra: ['-recv_timeout', String(LONGEST_MS)],
        deadlineMs: LONGEST_MS,
        directory,
        name,
      },
      signal,
    );
    const phone = options.phone();
    const { id } = await phone.dial(sipp.uri(), `sip:${line}@example.test`);
    await phone.becomes(id, 'established', 15_000);
    const tx = secure ? new SrtpContext(SUITE, key) : undefined;
    const call = new Call(id, { far, sipp, relay, tx }, options);
    call.followPhone();
    await far.hears(options.hears ?? MICROPHONE_HZ, { signal });
    return call;
  }

  /** A place in the recording to look from. */
  get mark(): number {
    return this.far.capture.mark;
  }

  /** What the far end has heard since then: also whether anything was missing at the very place. */
  heard(mark: number): Heard {
    return listen(this.far.capture.packets(Math.max(0, mark - 1)));
  }

  /** Waits until the phone's sound has come to the far end for `ms`, since `mark`. */
  async isHeard(mark = this.mark, ms = 500): Promise<void> {
    const { signal } = this.#options;
    await this.far.hears(MICROPHONE_HZ, { mark, ms, signal, within: ms + 10_000 });
  }

  /** Each side hears the other from now on. */
  async soundBothWays(engine: EngineProcess): Promise<void> {
    const mark = await engine.mark();
    const { signal } = this.#options;
    await Promise.all([this.isHeard(), engine.plays(FAR_END_HZ, { mark, signal, within: 10_000 })]);
  }

  /** The phone's re-INVITEs (hold, resume) and one of the far end's work, and are followed by sound. */
  async dialogWorks(): Promise<void> {
    const phone = this.#options.phone();
    await phone.call('call.hold', { call: this.id });
    await phone.call('call.resume', { call: this.id });
    const offers = this.sipp.sent('INVITE').length;
    const answers = this.sipp.received('INVITE', 200).length;
    await phone.call('call.dtmf', { call: this.id, digits: '5' });
    await until(
      "the phone to answer the far end's re-INVITE",
      () =>
        this.sipp.sent('INVITE').length > offers &&
        this.sipp.received('INVITE', 200).length > answers,
      { within: 5000, every: 50, seen: () => this.sipp.summary() },
    );
    this.followPhone();
    await this.isHeard();
  }

  /** The phone ends it; the far end agrees. */
  async end(): Promise<void> {
    const phone = this.#options.phone();
    await phone.hangup(this.id);
    await phone.becomes(this.id, 'ended', 15_000);
    await this.sipp.done();
  }

  /** Sends to where the phone's latest description says, and takes its key. */
  followPhone(): void {
    const description = this.#descriptions().at(-1) ?? '';
    const port = Number(/^m=audio (\d+)/m.exec(description)?.[1]);
    if (this.#relay === undefined) this.far.sendTo({ address: '127.0.0.1', port });
    if (this.#tx === undefined) return;
    const line = attributes(description, 'crypto').find((one) => one.includes(` ${SUITE} `));
    const key = /inline:([A-Za-z0-9+/=]+)/.exec(line ?? '')?.[1];
    if (key === undefined || key === this.#key) return;
    this.#key = key;
    const rx = new SrtpContext(SUITE, Buffer.from(key, 'base64'));
    this.far.useSrtp({ tx: this.#tx, rx });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.far.close();
    this.#relay?.close();
    await this.sipp.stop();
    releasePorts(this.sipp.port, 2);
  }

  /** Of the phone, oldest first. */
  #descriptions(): readonly string[] {
    return this.sipp
      .messages()
      .filter(({ sent, method, body }) => !sent && method === 'INVITE' && body.includes('m=audio'))
      .map(({ body }) => body);
  }
}
