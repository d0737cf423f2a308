import type { Clock, Logger } from '@offhook/common';
import type { Line } from '../call/call-manager.ts';
import { parseReginfo, REGINFO, type ToldBinding } from './reginfo.ts';

/** Seconds, where the registrar says none. */
const PROBATION_S = 300;
/** A registrar that takes the binding back as often as that does not want it just now. */
const LOOP_MS = 60_000;

/**
 * What registrars tell of our own registrations (RFC 3680): a phone that is logged out there says so, and
 * comes back only where that is wanted.
 */
export class RegistrationWatch {
  readonly #watched = new Map<Line, { againAt: number | undefined }>();
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  watch(line: Line): void {
    if (this.#watched.has(line)) return;
    this.#watched.set(line, { againAt: undefined });
    const { account } = line;
    const subscription = account.subscribe(account.aor, { event: 'reg', accept: [REGINFO] });
    subscription.on('notify', ({ body }) => {
      if (body?.type !== REGINFO) return;
      const own = parseReginfo(body.content)?.find(({ uri }) => account.isOwnBinding(uri));
      if (own?.state === 'terminated') this.#removed(line, own);
    });
  }

  #removed(line: Line, { event, retryAfter }: ToldBinding): void {
    const { account } = line;
    this.#logger.warn({ account: account.aor, event, retryAfter }, 'logged out by the registrar');
    const reason = `logged out by the registrar (${event})`;
    switch (event) {
      case 'probation':
        account.bindingRemoved({ reason, retryAfter: retryAfter ?? PROBATION_S });
        break;
      case 'deactivated':
      case 'expired':
        account.bindingRemoved({ reason, retryAfter: this.#again(line) });
        break;
      default:
        // `rejected`, and somebody who has taken it back for us: only the person goes on from here.
        account.bindingRemoved({ reason });
    }
  }

  /** Seconds: at once, unless that was just tried. */
  #again(line: Line): number {
    const before = this.#watched.get(line)?.againAt;
    const now = this.#clock.now();
    this.#watched.set(line, { againAt: now });
    return before !== undefined && now - before < LOOP_MS ? PROBATION_S : 0;
  }
}
