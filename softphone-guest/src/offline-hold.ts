import type {
  MethodName,
  MethodParams,
  MethodResult,
  SdpStep,
  SessionState,
} from '@offhook/media-rpc';

interface Known {
  /** Our last description, and the session as the engine last told it. */
  readonly sdp: string;
  readonly session: SessionState;
}

/**
 * Holds calls while their engine cannot be reached. The description that is offered is the engine's
 * last one with another direction: ports, codecs and keys stay, so that nothing changes at the engine,
 * which will find itself at an older revision and have the call offered anew when it is back.
 */
export class OfflineHold {
  readonly #known = new Map<string, Known>();
  readonly #held = new Set<string>();

  /** What an engine has answered; the last description of each session is remembered. */
  learn(result: { readonly sdp?: string | undefined; readonly session: SessionState }): void {
    const { session } = result;
    const sdp = result.sdp ?? this.#known.get(session.id)?.sdp;
    if (sdp !== undefined) this.#known.set(session.id, { sdp, session });
  }

  /** From now on the session's offers are made here. False for one of which nothing is known. */
  begin(id: string): boolean {
    if (!this.#known.has(id)) return false;
    this.#held.add(id);
    return true;
  }

  /** The engine makes them again. */
  end(id: string): void {
    this.#held.delete(id);
  }

  forget(id: string): void {
    this.#known.delete(id);
    this.#held.delete(id);
  }

  /** The answer to a command for a session that is held here; undefined for any other. */
  answer<M extends MethodName>(method: M, params: MethodParams<M>): MethodResult<M> | undefined {
    const command = { method, params } as Command;
    if (command.method !== 'session.update') return undefined;
    const { id, revision, step } = command.params;
    const known = this.#known.get(id);
    if (known === undefined || !this.#held.has(id)) return undefined;
    const session = { ...known.session, revision };
    if (step.type === 'answer') return undefined;
    if (step.type !== 'offer') return { session } as MethodResult<M>;
    const sdp = redirect(known.sdp, step);
    this.#known.set(id, { sdp, session });
    return { sdp, session } as MethodResult<M>;
  }
}

type Command = { [M in MethodName]: { method: M; params: MethodParams<M> } }[MethodName];

const DIRECTION = /^a=(?:sendrecv|sendonly|recvonly|inactive)$/;

/** The same description with another direction and version (RFC 3264 §8). */
function redirect(sdp: string, step: Extract<SdpStep, { type: 'offer' }>): string {
  const { origin, direction } = step;
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '' && !DIRECTION.test(line));
  const redirected = lines.map((line) => {
    if (!line.startsWith('o=')) return line;
    const where = line.split(' ').slice(3).join(' ');
    return `o=${origin.username ?? '-'} ${origin.sessionId} ${origin.version} ${where}`;
  });
  // At the end of the first audio section: elsewhere it would be another one's.
  const audio = redirected.findIndex((line) => line.startsWith('m=audio'));
  const next = redirected.findIndex((line, at) => at > audio && line.startsWith('m='));
  redirected.splice(next < 0 ? redirected.length : next, 0, `a=${direction}`);
  return `${redirected.join('\r\n')}\r\n`;
}
