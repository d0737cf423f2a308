import { OffhookError } from '@offhook/common';
import type { GuestConfig } from '../config.ts';
import { emergencyNumbers } from '../people/emergency-numbers.ts';
import { internationalPrefix, publicNumber, type LocalDialling } from '../people/phone-number.ts';
import { dialTarget, domainOf, emergencyTarget } from './dial-target.ts';

/** What a number becomes, and why. */
export interface Dialled {
  /** As dialled, or what takes its place: a number, name or SIP address. */
  readonly target: string;
  /** E.164, where it is a number of the public network. */
  readonly number: string | undefined;
  /** Address of record of the account that a rule chooses. */
  readonly account: string | undefined;
  /** The emergency number that was dialled. */
  readonly emergency: string | undefined;
  /** What was done to it, in words, in this order. */
  readonly why: readonly string[];
}

type Matcher = { readonly name: string; readonly pattern: RegExp };
type Rule = Matcher & { readonly replacement: string; readonly account: string | undefined };
type Block = Matcher & { readonly reason: string };

const NUMBER = /^\+?[0-9*#][0-9*#\s().\-/]*$/;
const EMERGENCY_URN = /^urn:service:sos(?:\.|$)/i;

/**
 * The rules for numbers, `[dial]` of the configuration: emergency numbers before everything, then what
 * is refused, what is rewritten, and how the rest goes out. Names and SIP addresses are left as they
 * are. Pure.
 */
export class DialPlan {
  readonly #config: GuestConfig['dial'];
  readonly #emergency: readonly string[];
  readonly #target: GuestConfig['emergency']['target'];
  readonly #domains: ReadonlySet<string>;
  readonly #rules: readonly Rule[];
  readonly #blocks: readonly Block[];
  readonly local: LocalDialling;

  constructor(config: Pick<GuestConfig, 'dial' | 'emergency' | 'account' | 'placeOf'>) {
    const { dial, emergency, account } = config;
    const matcher = (kind: 'rule' | 'block', index: number): Matcher => {
      const { name = `${kind} ${index + 1}`, pattern } = dial[kind][index] ?? { pattern: '' };
      const place = config.placeOf(['dial', kind, index]);
      return { name: `"${name}" (${place})`, pattern: new RegExp(`^(?:${pattern})$`, 'u') };
    };
    this.#config = dial;
    this.#emergency = emergency.numbers ?? emergencyNumbers(dial.country);
    this.#target = emergency.target;
    this.#domains = new Set(
      [dial.domain, ...account.map(({ aor }) => domainOf(aor))].flatMap((one) => one ?? []),
    );
    this.#rules = dial.rule.map((rule, index) => ({
      ...matcher('rule', index),
      replacement: rule.replacement ?? '$&',
      account: rule.account,
    }));
    this.#blocks = dial.block.map((block, index) => ({
      ...matcher('block', index),
      reason: block.reason,
    }));
    this.local = {
      area: dial.area,
      trunk: dial.trunk,
      international: dial.international,
      extensionDigits: dial.extension_digits,
    };
  }

  get emergencyNumbers(): readonly string[] {
    return this.#emergency;
  }

  /** @throws OffhookError `blocked` (layer `call`), which names the rule and where it stands. */
  decide(input: string): Dialled {
    const text = input.trim();
    const emergency = this.emergencyOf(text);
    if (emergency !== undefined) {
      const why = [`${emergency} is an emergency number: dialled past all rules`];
      return { target: emergency, number: undefined, account: undefined, emergency, why };
    }
    const digits = numberIn(text);
    if (digits === undefined) return this.#address(input, text);
    const number = publicNumber(digits, this.#config.country, this.local);
    const forms = [digits, ...(number === undefined ? [] : [number.number])];
    this.#refuseBlocked(input, forms);
    const why = number === undefined ? [] : [`${number.number} in E.164`];
    for (const { name, pattern, replacement, account } of this.#rules) {
      const form = forms.find((one) => pattern.test(one));
      if (form === undefined) continue;
      const target = form.replace(pattern, replacement);
      this.#refuseBlocked(input, [target]);
      const by = account === undefined ? '' : ` by ${account}`;
      return {
        target,
        number: number?.number,
        account,
        emergency: undefined,
        why: [...why, `rule ${name}: ${target}${by}`],
      };
    }
    if (number === undefined) {
      const last = 'no number of the public network: dialled as it is';
      return {
        target: digits,
        number: undefined,
        account: undefined,
        emergency: undefined,
        why: [last],
      };
    }
    const sent = this.#format(digits, number);
    return {
      target: sent.target,
      number: number.number,
      account: undefined,
      emergency: undefined,
      why: [...why, ...sent.why],
    };
  }

  /** The SIP URI of what was decided. @throws OffhookError `bad-target`. */
  uriOf({ target, emergency }: Dialled, aor: string): string {
    const domain = this.#config.domain ?? domainOf(aor);
    return emergency === undefined
      ? dialTarget(target, domain)
      : emergencyTarget(emergency, this.#target, domain);
  }

  /** The emergency number that this is, however it is written: with an outside line, as a link. */
  emergencyOf(input: string): string | undefined {
    const text = input.trim();
    if (EMERGENCY_URN.test(text)) return this.#emergency[0] ?? '112';
    const [, user, host] = /^(?:sips?:)?([\d]+)@([^;?>\s]+)/i.exec(text) ?? [];
    const digits = user !== undefined && this.#domains.has(host ?? '') ? user : numberIn(text);
    if (digits === undefined) return undefined;
    const { outside } = this.#config;
    return this.#emergency.find(
      (one) => one === digits || (outside !== undefined && outside + one === digits),
    );
  }

  /** Names and addresses pass; an address whose user is a number may still be refused. */
  #address(input: string, text: string): Dialled {
    const [, user] = /^(?:sips?:)?(\+?[\d\-.()]+)@/i.exec(text) ?? [];
    if (user !== undefined) {
      const digits = user.replaceAll(/[^\d+]/g, '');
      const number = publicNumber(digits, this.#config.country, this.local)?.number;
      this.#refuseBlocked(input, number === undefined ? [digits] : [digits, number]);
    }
    return {
      target: text,
      number: undefined,
      account: undefined,
      emergency: undefined,
      why: ['a name or an address: dialled as it is'],
    };
  }

  #format(
    digits: string,
    number: NonNullable<ReturnType<typeof publicNumber>>,
  ): { target: string; why: string[] } {
    const { format, outside, country } = this.#config;
    const prefix =
      this.#config.international ?? (country === undefined ? '00' : internationalPrefix(country));
    if (format === 'e164') return { target: number.number, why: ['sent in E.164 (dial.format)'] };
    const home = country !== undefined && number.country === country.toUpperCase();
    const national = home
      ? number.formatNational().replaceAll(/\D/g, '')
      : number.number.replace('+', prefix);
    const bare =
      format === 'national'
        ? national
        : outside === undefined
          ? digits
          : digits.replace(/^\+/, prefix);
    return {
      target: `${outside ?? ''}${bare}`,
      why: [
        ...(format === 'national'
          ? [`sent as ${national}, as dialled in ${country} (dial.format)`]
          : []),
        ...(outside === undefined
          ? []
          : [`${outside} before it for an outside line (dial.outside)`]),
      ],
    };
  }

  #refuseBlocked(input: string, forms: readonly string[]): void {
    const block = this.#blocks.find(({ pattern }) => forms.some((one) => pattern.test(one)));
    if (block === undefined) return;
    throw new OffhookError(
      'call',
      'blocked',
      `${input.slice(0, 60)} is not dialled: ${block.reason}, by ${block.name}`,
      { remedy: 'ask who keeps the number rules, [[dial.block]] in the configuration' },
    );
  }
}

/** The digits of a telephone number or `tel:` link (RFC 3966), without what only pleases the eye. */
function numberIn(text: string): string | undefined {
  const [, scheme] = /^(tel|callto):/i.exec(text) ?? [];
  const [body = '', ...parameters] =
    scheme === undefined ? [text] : text.slice(scheme.length + 1).split(';');
  if (!NUMBER.test(body.trim())) return undefined;
  const digits = body.replaceAll(/[\s().\-/]/g, '');
  const context = parameters.flatMap(
    (one) => /^phone-context=(\+[\d\-.()]+)$/i.exec(one)?.[1] ?? [],
  )[0];
  const global = context === undefined || digits.startsWith('+');
  return global ? digits : context.replaceAll(/[^\d+]/g, '') + digits;
}
