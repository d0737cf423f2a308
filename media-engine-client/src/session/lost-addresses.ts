import type { MediaSession } from './machine.ts';
import type { LiveSession } from './live-session.ts';

export interface LostAddressesParts {
  /** Of this machine. */
  readonly machine: () => ReadonlySet<string>;
  /** The address from which the session would be reached if it began now. */
  readonly wouldBe: (session: MediaSession) => Promise<string>;
}

/**
 * Finds sessions whose own address this machine has lost (another network, a new lease), once there is
 * another one for them. As long as there is none they are left alone: a cable that is plugged in again
 * brings the address back, and with it the sound.
 */
export class LostAddresses {
  readonly #parts: LostAddressesParts;
  /** Seen without their address once; it may be on its way back. */
  #suspects: ReadonlySet<LiveSession> = new Set();

  constructor(parts: LostAddressesParts) {
    this.#parts = parts;
  }

  /** Of these, those that have to move; to be asked once a second or so. */
  async among(sessions: readonly LiveSession[]): Promise<readonly LiveSession[]> {
    if (sessions.length === 0) return [];
    const machine = this.#parts.machine();
    const homeless = sessions.filter(
      ({ data }) => !data.hungUp && !machine.has(data.local.rtp.address),
    );
    const again = homeless.filter((session) => this.#suspects.has(session));
    this.#suspects = new Set(homeless);
    const found = await Promise.all(
      again.map(async (session) => {
        const address = await this.#parts.wouldBe(session.data);
        return machine.has(address) && !isLoopback(address) ? [session] : [];
      }),
    );
    return found.flat();
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
