import { OffhookError, withDeadline } from '@offhook/common';
import type { SdpAgent } from '../../api.ts';

/** How long the application may take for one description. */
const STEP_MS = 20_000;

/** One for all calls: a stack trace at the end of each would say nothing and cost. */
const CALL_ENDED = new OffhookError('signaling', 'call-ended', 'the call is over');

/**
 * The application's agent, one step at a time (SdpAgent's contract), given up when the call ends.
 */
export class SdpSteps {
  #agent: SdpAgent | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #ended = new AbortController();

  constructor(agent?: SdpAgent) {
    this.#agent = agent;
  }

  get ready(): boolean {
    return this.#agent !== undefined;
  }

  use(agent: SdpAgent): void {
    this.#agent = agent;
  }

  createOffer(): Promise<string> {
    return this.#step('an offer', (agent, signal) => agent.createOffer(signal));
  }

  createAnswer(offer: string): Promise<string> {
    return this.#step('an answer', (agent, signal) => agent.createAnswer(offer, signal));
  }

  acceptAnswer(answer: string, provisional: boolean): Promise<void> {
    return this.#step('taking the answer', (agent, signal) =>
      agent.acceptAnswer(answer, { provisional }, signal),
    );
  }

  rollback(): Promise<void> {
    return this.#step('taking back the offer', (agent) => agent.rollback());
  }

  /** Aborts what runs; later steps reject. */
  end(): void {
    this.#ended.abort(CALL_ENDED);
  }

  #step<T>(what: string, run: (agent: SdpAgent, signal: AbortSignal) => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      const agent = this.#agent;
      if (agent === undefined) {
        throw new OffhookError('signaling', 'no-agent', 'nobody describes the media of this call');
      }
      this.#ended.signal.throwIfAborted();
      return withDeadline(
        { layer: 'signaling', what, ms: STEP_MS, signal: this.#ended.signal },
        (signal) => run(agent, signal),
      );
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
