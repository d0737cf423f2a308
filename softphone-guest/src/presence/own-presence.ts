import type { Publication } from '@offhook/signaling';
import type { Line } from '../call/call-manager.ts';
import { PIDF, writePidf, type Presence } from './pidf.ts';

/** What others see of this person: published for a line, and kept as it is (RFC 3903). */
export class OwnPresence {
  readonly #publications = new Map<Line, Publication>();
  #presence: Presence = { open: true, activity: undefined, note: undefined };

  publish(line: Line): void {
    if (this.#publications.has(line)) return;
    this.#publications.set(line, line.account.publish('presence', this.#body(line)));
  }

  show(change: { readonly talking: boolean; readonly doNotDisturb: boolean }): void {
    const activity = change.doNotDisturb ? 'busy' : change.talking ? 'on-the-phone' : undefined;
    if (activity === this.#presence.activity) return;
    this.#presence = { ...this.#presence, activity };
    for (const [line, publication] of this.#publications) publication.update(this.#body(line));
  }

  #body(line: Line): { type: string; content: string } {
    return { type: PIDF, content: writePidf(line.config.aor, this.#presence) };
  }
}
