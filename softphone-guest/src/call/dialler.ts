import { OffhookError } from '@offhook/common';
import type { Handsets } from '../handset/handsets.ts';
import type { PhoneCall } from '../handset/handset.ts';
import type { Line } from './call-manager.ts';
import type { Dialled, DialPlan } from './dial-plan.ts';
import type { EmergencyCalls } from './emergency-calls.ts';

export interface DiallerParts {
  readonly handsets: Handsets;
  readonly plan: DialPlan;
  readonly emergency: EmergencyCalls;
  /** Whether an engine is there. */
  readonly reachable: () => boolean;
  readonly lines: readonly Line[];
  /** Address of record of the line that dials when neither the person nor a rule names one. */
  readonly defaultAccount: string | undefined;
  /** The number of the one contact that has this name. */
  readonly numberOf: (name: string) => string | undefined;
}

/** What would be dialled, by which line, and why. */
export interface DialPreview extends Dialled {
  readonly line: Line;
  /** Request-URI. */
  readonly uri: string;
}

/** From what a person says to a call: contacts, number rules, choice of the line, emergency numbers. */
export class Dialler {
  readonly #parts: DiallerParts;

  constructor(parts: DiallerParts) {
    this.#parts = parts;
  }

  /** @throws OffhookError of layer `call`: `blocked`, `bad-target`, `unknown-account`. */
  preview(target: string, account?: string): DialPreview {
    const { plan, emergency, numberOf, lines, defaultAccount } = this.#parts;
    const number = plan.emergencyOf(target) === undefined ? numberOf(target) : undefined;
    const decided = plan.decide(number ?? target);
    const line =
      decided.emergency === undefined
        ? lineOf(lines, account ?? decided.account ?? defaultAccount)
        : emergency.lines(account)[0];
    const why = number === undefined ? [] : [`${number} of the contact ${target.trim()}`];
    const chosen = line ?? lineOf(lines, defaultAccount);
    const uri = plan.uriOf(decided, chosen.config.aor);
    return { ...decided, line: chosen, uri, why: [...why, ...decided.why] };
  }

  /** @throws OffhookError as `preview`, and what the handset has to say. */
  async dial(target: string, account?: string): Promise<PhoneCall> {
    const { handsets } = this.#parts;
    const { line, uri, ...decided } = this.preview(target, account);
    if (decided.emergency !== undefined) return this.#help(decided.emergency, account);
    // A line is one of the softphone.
    if (account !== undefined || handsets.mode === 'soft') return handsets.soft.dial(line, uri);
    return handsets.current.dial(line, decided.target);
  }

  /** Whom the person called last, once more. @throws OffhookError `unknown-call` for nobody. */
  async redial(): Promise<PhoneCall> {
    const { handsets, lines, defaultAccount, plan } = this.#parts;
    const { account, remote } = handsets.lastDialled;
    const emergency = plan.emergencyOf(remote.uri);
    if (emergency !== undefined) return this.#help(emergency, undefined);
    const on = lines.find(({ config }) => config.aor === account);
    return handsets.current.dial(on ?? lineOf(lines, defaultAccount), remote.uri);
  }

  /** From the thin client, whose place is told; by the desk phone where no thin client is. */
  async #help(number: string, account: string | undefined): Promise<PhoneCall> {
    const { handsets, emergency, lines, reachable } = this.#parts;
    const { current } = handsets;
    if (reachable() || current.place === 'soft') return emergency.call(number, account);
    return current.dial(lineOf(lines, account), number);
  }
}

/** A line by its address of record, or its user part when that is unique; the first by default. */
export function lineOf(lines: readonly Line[], name: string | undefined): Line {
  const exact = name === undefined ? lines[0] : lines.find(({ config }) => config.aor === name);
  if (exact !== undefined) return exact;
  const [first, second] = lines.filter(
    ({ config }) => config.aor.replace(/^sips?:/i, '').split('@', 1)[0] === name,
  );
  if (first !== undefined && second === undefined) return first;
  const known = lines.map(({ config }) => config.aor).join(', ');
  throw new OffhookError(
    'call',
    'unknown-account',
    `no account ${name ?? ''}; there are: ${known}`,
  );
}
