import {
  isSupportedCountry,
  Metadata,
  parsePhoneNumberFromString,
  type CountryCode,
  type PhoneNumber,
} from 'libphonenumber-js/min';

/** Fewer digits are an extension or a service, not a number of the public network. */
const LEAST_DIGITS = 7;

/** How numbers are dialled where the phone is. */
export interface LocalDialling {
  /** Area code without its trunk prefix, for numbers that are dialled without one. */
  readonly area?: string | undefined;
  /** What goes before an area code; 0 if absent. */
  readonly trunk?: string | undefined;
  /** What goes before a country code; that of the country if absent. */
  readonly international?: string | undefined;
  /** Numbers with no more digits are extensions. */
  readonly extensionDigits?: number | undefined;
}

/**
 * A telephone number in E.164 (`+493012345`), when `text` is one: as it stands after a `+`, or as it
 * is dialled in `country` (ISO 3166-1). Undefined for extensions, service codes and names.
 */
export function e164(
  text: string,
  country: string | undefined,
  dialling: LocalDialling = {},
): string | undefined {
  return publicNumber(text, country, dialling)?.number;
}

/** The same with its parts. */
export function publicNumber(
  text: string,
  country: string | undefined,
  dialling: LocalDialling = {},
): PhoneNumber | undefined {
  const { area, trunk = '0', international, extensionDigits = LEAST_DIGITS - 1 } = dialling;
  if (!/^\+?[\d\s().\-/]+$/.test(text) || text.replaceAll(/\D/g, '').length <= extensionDigits) {
    return undefined;
  }
  const digits = text.replaceAll(/[^\d+]/g, '');
  if (international !== undefined && digits.startsWith(international)) {
    return possible(`+${digits.slice(international.length)}`, undefined);
  }
  // Dialled in full, it is too long for that.
  const local = area !== undefined && country !== undefined && !digits.startsWith('+');
  const abroad = country !== undefined && digits.startsWith(internationalPrefix(country));
  const withArea =
    local && !abroad && !digits.startsWith(trunk) ? possible(area + digits, country) : undefined;
  return withArea ?? possible(text, country);
}

/** Whether a country is known by that code, case aside. */
export function isCountry(code: string): boolean {
  return isSupportedCountry(code.toUpperCase());
}

/** What is dialled before a country code there. */
export function internationalPrefix(country: string): string {
  const metadata = new Metadata();
  metadata.selectNumberingPlan(country.toUpperCase() as CountryCode);
  const prefix = metadata.numberingPlan?.defaultIDDPrefix() ?? metadata.numberingPlan?.IDDPrefix();
  // Where a carrier can be chosen by it, the metadata has an expression.
  return prefix !== undefined && /^\d+$/.test(prefix) ? prefix : '00';
}

function possible(text: string, country: string | undefined): PhoneNumber | undefined {
  const number = parsePhoneNumberFromString(text, {
    ...(country === undefined ? {} : { defaultCountry: country.toUpperCase() as CountryCode }),
    extract: false,
  });
  return number?.isPossible() === true ? number : undefined;
}

/**
 * What two spellings of the same party have in common: E.164 for numbers, the bare digits for
 * extensions, and `user@host` for addresses. A URI's user part that is a number counts as one, because
 * the host is then no more than the way there.
 */
export function partyKey(
  text: string,
  country: string | undefined,
  dialling: LocalDialling = {},
): string {
  const address = text
    .trim()
    .replace(/^(?:sips?|tel):/i, '')
    .replace(/[;?].*$/, '');
  const [user = ''] = address.split('@', 1);
  const number = user.replaceAll('%23', '#');
  if (/^\+?[\d*#\s().\-/]+$/.test(number)) {
    return e164(number, country, dialling) ?? number.replaceAll(/[^\d*#+]/g, '');
  }
  return address.toLowerCase();
}
