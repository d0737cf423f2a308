import type { Clock, Logger } from '@offhook/common';
import type { CallManager, Line } from '../call/call-manager.ts';
import type { Settings } from '../call/person-settings.ts';
import type { GuestConfig } from '../config.ts';
import type { Handsets } from '../handset/handsets.ts';
import { Lamps } from './lamps.ts';
import { Mailboxes } from './mailboxes.ts';
import { OwnPresence } from './own-presence.ts';
import { RegistrationWatch } from './registration-watch.ts';

export interface PresenceParts {
  readonly lines: readonly Line[];
  readonly watch: GuestConfig['watch'];
  readonly manager: CallManager;
  readonly settings: Settings;
  readonly defaultAccount: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known of others, and what others are told of us. Subscriptions end with their lines. */
export class PresenceBoard {
  readonly lamps = new Lamps();
  readonly mailboxes = new Mailboxes();
  readonly #parts: PresenceParts;
  readonly #own = new OwnPresence();
  readonly #registrations: RegistrationWatch;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#registrations = new RegistrationWatch(parts.clock, parts.logger);
    const { lines } = parts;
    // What was set in an earlier life holds from the first publication on.
    const { doNotDisturb } = parts.settings.current;
    this.#own.show({ talking: false, doNotDisturb });
    for (const line of lines) {
      this.mailboxes.listen(line);
      // A registrar's presence server may want to know us first.
      const { account, config } = line;
      account.on('registration', ({ state }) => {
        if (state === 'registered') this.#begin(line);
      });
      if (!config.register || account.registration.state === 'registered') this.#begin(line);
    }
  }

  /** Tells others of the person's calls, at whichever handset, and wishes. */
  show(handsets: Pick<Handsets, 'list' | 'events'>): void {
    const { settings } = this.#parts;
    const show = (): void =>
      this.#own.show({
        talking: handsets.list().some(({ call }) => call.phase === 'established'),
        doNotDisturb: settings.current.doNotDisturb,
      });
    handsets.events.on('changed', show);
    handsets.events.on('ended', show);
    settings.events.on('changed', show);
  }

  #begin(line: Line): void {
    const { aor, publish, voicemail, reg_event: regEvent } = line.config;
    if (regEvent) this.#registrations.watch(line);
    if (publish) this.#own.publish(line);
    if (voicemail !== false) this.mailboxes.subscribe(line, voicemail === true ? aor : voicemail);
    const { watch, manager, lines, defaultAccount } = this.#parts;
    const first = defaultAccount ?? lines[0]?.config.aor;
    for (const { target, event, name, account = first } of watch) {
      if (account !== aor) continue;
      this.lamps.watch({ line, target: manager.targetOf(line, target), event, name });
    }
  }
}
