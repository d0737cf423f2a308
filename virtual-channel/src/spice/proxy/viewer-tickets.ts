import { randomBytes } from 'node:crypto';

/** What `ViewerTickets.resolve` makes of what a viewer shows. */
export interface ServerTicket {
  /** For the server. */
  readonly password: string;
  /** The person typed it into the viewer; we did not know it. */
  readonly typed: boolean;
}

/**
 * Who may come in by the loopback address, and with what ticket he goes on to the server. Other users
 * of this machine reach that address too, so that each viewer gets a ticket of its own that is good
 * here only. Where the server's ticket is unknown or refused, the viewer asks the person for it: such
 * a ticket goes to the server as it is, and the server decides.
 */
export class ViewerTickets {
  readonly #issued = new Set<string>();
  #password: string;
  #typed: string | undefined;
  #accepted = false;

  constructor(password: string) {
    this.#password = password;
  }

  /** The server's, as far as it is known. */
  get password(): string {
    return this.#password;
  }

  /** A ticket for one more viewer; 60 characters is the most that SPICE takes. */
  issue(): { readonly ticket: string; readonly revoke: () => void } {
    const ticket = randomBytes(24).toString('base64url');
    this.#issued.add(ticket);
    return { ticket, revoke: () => this.#issued.delete(ticket) };
  }

  /** Undefined: the viewer has no business here. */
  resolve(shown: string): ServerTicket | undefined {
    if (this.#issued.has(shown)) return { password: this.#password, typed: false };
    if (shown === this.#typed || !this.#accepted) return { password: shown, typed: true };
    return undefined;
  }

  /** The server has taken it. */
  accept({ password, typed }: ServerTicket): void {
    this.#accepted = true;
    if (!typed) return;
    this.#typed = password;
    this.#password = password;
  }

  /** The server has refused it: the viewer may ask the person. */
  refuse(): void {
    this.#accepted = false;
  }

  /** A fresh one of the server. */
  replace(password: string): void {
    this.#password = password;
    this.#typed = undefined;
    this.#accepted = false;
  }
}
