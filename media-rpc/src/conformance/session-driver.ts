import { expect } from 'vitest';
import { describeError, OffhookError, withDeadline } from '@offhook/common';
import type { MediaEvents, MethodInput } from '../contract.ts';
import type { MediaClient } from '../engine.ts';
import type { Direction, SessionState } from '../schemas.ts';

/** Where the far end of these tests says that it takes media. */
export interface ConformancePeer {
  readonly address: string;
  readonly port: number;
}

type Step = MethodInput<'session.update'>['step'];
type Options = NonNullable<MethodInput<'session.open'>['options']>;

/** Speaks to an engine as the tests of the contract do, and plays the far end. */
export class SessionDriver {
  readonly client: MediaClient;
  readonly peer: ConformancePeer;
  readonly #advance: (ms: number) => Promise<void> | undefined;
  readonly #opened = new Set<string>();

  constructor(
    client: MediaClient,
    peer: ConformancePeer,
    advance: (ms: number) => Promise<void> | undefined,
  ) {
    this.client = client;
    this.peer = peer;
    this.#advance = advance;
  }

  open(id: string, step: Step, extra: { revision?: number; options?: Options } = {}) {
    this.#opened.add(id);
    const { revision = 1, options = {} } = extra;
    return this.client.call('session.open', { id, revision, step, options });
  }

  update(id: string, revision: number, step: Step) {
    return this.client.call('session.update', { id, revision, step });
  }

  get(id: string): Promise<SessionState> {
    return this.client.call('session.get', { id });
  }

  /** A session with audio both ways at revision 2, by an offer of ours. */
  async establish(id: string, options: Options = {}) {
    const { sdp } = await this.open(id, this.offer(), { options });
    const { session } = await this.update(id, 2, this.accept(this.answerTo(sdp)));
    return session;
  }

  offer(direction: Direction = 'sendrecv', version = 1): Step {
    return { type: 'offer', direction, origin: origin(version) };
  }

  answer(offer: string, direction: Direction = 'sendrecv', version = 1): Step {
    return { type: 'answer', offer, direction, origin: origin(version) };
  }

  accept(answer: string, provisional = false): Step {
    return { type: 'accept', answer, provisional };
  }

  /** An offer of the far end. */
  peerSdp(change: PeerSdp = {}): string {
    const { formats = '8 101', direction = 'sendrecv', protocol = 'RTP/AVP', version = 1 } = change;
    const { address, port } = this.peer;
    return [
      'v=0',
      `o=peer 4711 ${version} IN ${family(address)} ${address}`,
      's=call',
      ...(change.connection === false ? [] : [`c=IN ${family(address)} ${address}`]),
      `t=${change.time ?? '0 0'}`,
      ...(change.before ?? []),
      `m=audio ${change.port ?? port} ${protocol} ${formats}`,
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      ...(change.attributes ?? []),
      `a=${direction}`,
      ...(change.after ?? []),
      '',
    ].join('\r\n');
  }

  /** An answer of the far end: PCMA and DTMF, whatever else was offered. */
  answerTo(offer: string, change: PeerSdp = {}): string {
    const audio = audioLine(offer);
    return this.peerSdp({ protocol: audio.protocol, ...change });
  }

  async closeAll(): Promise<void> {
    for (const id of this.#opened) await this.client.call('session.close', { id });
  }

  /** Waits for an event that fits, letting virtual time pass where there is such a thing. */
  async event<E extends keyof MediaEvents>(
    name: E,
    fits: (event: MediaEvents[E]) => boolean,
  ): Promise<MediaEvents[E]> {
    const { promise, resolve } = Promise.withResolvers<MediaEvents[E]>();
    const seen: MediaEvents[E][] = [];
    const off = this.client.on(name, (event) => {
      if (!fits(event)) return;
      seen.push(event);
      resolve(event);
    });
    try {
      return await withDeadline({ layer: 'engine', what: name, ms: 8000 }, async () => {
        // Where time is virtual it has to be moved; elsewhere there is nothing to do but wait.
        for (let passed = 0; seen.length === 0 && passed < 8000; passed += 100) {
          await this.#advance(100);
        }
        return promise;
      });
    } finally {
      off();
    }
  }
}

export interface PeerSdp {
  readonly formats?: string;
  readonly direction?: Direction;
  readonly protocol?: string;
  readonly port?: number;
  readonly version?: number;
  readonly time?: string;
  readonly connection?: boolean;
  readonly attributes?: readonly string[];
  /** Media sections before and after the audio. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

export const ORIGIN = { username: 'alice', sessionId: '9007199254740993' } as const;

function origin(version: number) {
  return { ...ORIGIN, version };
}

export function family(address: string): 'IP4' | 'IP6' {
  return address.includes(':') ? 'IP6' : 'IP4';
}

export interface AudioLine {
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
}

export function audioLine(sdp: string): AudioLine {
  const match = /^m=audio (\d+) (\S+) (.+?)\r?$/m.exec(sdp);
  expect(match, `an m=audio line in\n${sdp}`).not.toBeNull();
  return {
    port: Number(match?.[1]),
    protocol: match?.[2] ?? '',
    formats: match?.[3]?.split(' ') ?? [],
  };
}

/** `a=` lines with that name, without it. */
export function attributes(sdp: string, name: string): string[] {
  return [...sdp.matchAll(/^a=(.*?)\r?$/gm)]
    .map((match) => match[1] ?? '')
    .filter((value) => value === name || value.startsWith(`${name}:`))
    .map((value) => value.slice(name.length + 1));
}

/** The contract's error that the work is refused with; what else comes of it is no refusal. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    return `no refusal: ${JSON.stringify(await work)}`;
  } catch (error) {
    if (error instanceof OffhookError && error.layer === 'engine') return error.code;
    return `no refusal: ${describeError(error)}`;
  }
}
