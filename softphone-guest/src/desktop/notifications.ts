import { printable } from '@offhook/common/printable';
import { z } from 'zod';
import type { CallInfo } from '../control/schemas.ts';

const NAME = 'org.freedesktop.Notifications';
const PATH = '/org/freedesktop/Notifications';
const MAX_SHOWN = 10;

type Choice = 'answer' | 'reject';

/** What it needs of the bus: a call, with arguments of that signature. */
type Ask = (call: {
  readonly name: string;
  readonly path: string;
  readonly iface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly unknown[];
}) => Promise<unknown>;

/**
 * Calls that ring, on the desktop (Desktop Notifications Specification 1.2), with Answer and Reject.
 * Where no server of notifications is, nothing is shown and nothing fails.
 */
export class RingingNotices {
  readonly #ask: Ask;
  readonly #urgent: unknown;
  readonly #shown = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();

  /** `urgent`: the hint that keeps it on the screen, as the library of the bus wants it. */
  constructor(ask: Ask, urgent: unknown) {
    this.#ask = ask;
    this.#urgent = urgent;
  }

  /** Shows what rings, and takes away what rings no more. */
  ringing(calls: readonly CallInfo[]): Promise<void> {
    this.#work = this.#work.then(() => this.#update(calls)).catch(() => undefined);
    return this.#work;
  }

  /** The call that a press on that notice is about; the notice may just have been put up. */
  async chosen(
    notice: unknown,
    action: unknown,
  ): Promise<{ call: string; choice: Choice } | undefined> {
    await this.#work;
    const choice = z.enum(['answer', 'reject']).safeParse(action).data;
    const call = [...this.#shown].find(([, id]) => id === notice)?.[0];
    return choice === undefined || call === undefined ? undefined : { call, choice };
  }

  async #update(calls: readonly CallInfo[]): Promise<void> {
    for (const [call, notice] of this.#shown) {
      if (calls.some(({ id }) => id === call)) continue;
      this.#shown.delete(call);
      await this.#call('CloseNotification', 'u', [notice]);
    }
    for (const call of calls) {
      if (this.#shown.has(call.id) || this.#shown.size >= MAX_SHOWN) continue;
      const answer = await this.#call('Notify', 'susssasa{sv}i', [
        'Offhook',
        0,
        'call-start',
        'Incoming call',
        escaped(who(call)),
        ['answer', 'Answer', 'reject', 'Reject'],
        [['urgency', this.#urgent]],
        0,
      ]);
      const id = z.number().safeParse(answer).data;
      if (id !== undefined) this.#shown.set(call.id, id);
    }
  }

  #call(member: string, signature: string, body: readonly unknown[]): Promise<unknown> {
    return this.#ask({ name: NAME, path: PATH, iface: NAME, member, signature, body });
  }
}

function who({ contact, remoteName, remote }: CallInfo): string {
  const uri = remote.replace(/^sips?:/i, '');
  const name = contact ?? remoteName ?? '';
  return printable(name === '' ? uri : `${name} <${uri}>`);
}

/** A server may take the body for markup. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
