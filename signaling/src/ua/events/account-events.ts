import type { Body } from '../../api.ts';
import type { Publication, SubscribeOptions, Subscription } from '../../event-api.ts';
import type { OpeningOptions } from '../dialog/plain-dialog.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';
import { Subscriber } from './subscriber.ts';

/** The subscriptions and publications of one account. */
export class AccountEventState {
  readonly #open = new Set<Subscriber | Publisher>();

  subscribe(opening: () => OpeningOptions, options: SubscribeOptions): Subscription {
    return this.#track(new Subscriber(opening, options));
  }

  publish(opening: () => OpeningOptions, options: PublisherOptions, body: Body): Publication {
    return this.#track(new Publisher(opening, options, body));
  }

  #track<One extends Subscriber | Publisher>(one: One): One {
    this.#open.add(one);
    void one.ended.then(() => this.#open.delete(one));
    return one;
  }

  refresh(): void {
    for (const one of this.#open) one.refresh();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((one) => one.close()));
  }

  abandon(): void {
    for (const one of this.#open) one.abandon();
  }
}
