import { OffhookError, type Clock } from '@offhook/common';
import { selectCall } from '../control/select-calls.ts';
import type { Handsets } from '../handset/handsets.ts';
import { statisticsOf } from './figures.ts';
import type { StatisticsFiles } from './files.ts';
import { HoldLog } from './hold-log.ts';
import type { CallStatistics } from './schema.ts';

/** Statistics of the calls that are up, and a file of each of the softphone's that is over. */
export class CallStatisticsKeeper {
  readonly #handsets: Handsets;
  readonly #files: StatisticsFiles;
  readonly #clock: Clock;
  readonly #holds = new HoldLog();

  constructor(parts: { handsets: Handsets; files: StatisticsFiles; clock: Clock }) {
    const { handsets, files, clock } = parts;
    this.#handsets = handsets;
    this.#files = files;
    this.#clock = clock;
    handsets.events.on('changed', (call) => this.#holds.observe(call, clock.wall()));
    handsets.events.on('ended', ({ call, stats }) => {
      const now = clock.wall();
      this.#holds.observe(call, call.endedAt ?? now);
      // The sound of a desk phone is nobody's to measure.
      if (call.place === 'soft') files.add(statisticsOf(call, stats, this.#holds.of(call.id), now));
      this.#holds.forget(call.id);
    });
  }

  /**
   * Of that call, live or past; without an id of the only one that is up, else of the last one.
   *
   * @throws OffhookError `unknown-call`, `ambiguous`
   */
  async get(id: string | undefined): Promise<CallStatistics> {
    const sessions = this.#handsets.list();
    const live = sessions.filter((session) => id === undefined || session.id.startsWith(id));
    if (live.length === 0) {
      const past = await this.#files.find(id);
      if (past !== undefined) return past;
      throw new OffhookError(
        'call',
        'unknown-call',
        id === undefined
          ? 'there is no call, and no statistics file'
          : `nothing is known of call ${id}`,
        { remedy: 'see `offhook history`; [calls] statistics says how many files are kept' },
      );
    }
    const session = selectCall(live, id, { verb: 'show', fits: () => true });
    const stats = await session.stats();
    const { call } = session;
    return statisticsOf(call, stats, this.#holds.of(call.id), this.#clock.wall());
  }
}
