import type { Clock } from '@offhook/common';
import type { Connection } from '@offhook/cti-bridge/client';
import { ChangeWatch } from '../call/change-watch.ts';
import type { Call } from '../call/model.ts';
import type { PhoneCall } from '../handset/handset.ts';

/** One call at the desk phone. */
export class DeskCall implements PhoneCall {
  readonly id: string;
  readonly lastStats = undefined;
  /** The phone's own leg, as it was last seen. */
  connection: Connection;
  #call: Call;
  readonly #watch: ChangeWatch;

  constructor(call: Call, connection: Connection, clock: Clock) {
    this.id = call.id;
    this.#call = call;
    this.connection = connection;
    this.#watch = new ChangeWatch(clock);
  }

  get call(): Call {
    return this.#call;
  }

  become(call: Call, connection: Connection): void {
    this.#call = call;
    this.connection = connection;
    this.#watch.tell();
  }

  stats(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  until(done: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean> {
    return this.#watch.until(done, ms, signal);
  }
}
