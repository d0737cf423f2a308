import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/min';

/** Fewer digits are an extension or a service, not a number of the public network. */
const LEAST_DIGITS = 7;

/**
 * A telephone number in E.164 (`+493012345`), when `text` is one: as it stands after a `+`, or as it
 * is dialled in `country` (ISO 3166-1). Undefined for extensions, service codes and names.
 */
export function e164(text: string, country: string | undefined): string | undefined {
  if (!/^\+?[\d\s().\-/]+$/.test(text) || text.replaceAll(/\D/g, '').length < LEAST_DIGITS) {
    return undefined;
  }
  const number = parsePhoneNumberFromString(text, {
    ...(country === undefined ? {} : { defaultCountry: country.toUpperCase() as CountryCode }),
    extract: false,
  });
  return number?.isPossible() === true ? number.number : undefined;
}

/**
 * What two spellings of the same party have in common: E.164 for numbers, the bare digits for
 * extensions, and `user@host` for addresses. A URI's user part that is a number counts as one, because
 * the host is then no more than the way there.
 */
export function partyKey(text: string, country: string | undefined): string {
  const address = text
    .trim()
    .replace(/^(?:sips?|tel):/i, '')
    .replace(/[;?].*$/, '');
  const [user = ''] = address.split('@', 1);
  const number = user.replaceAll('%23', '#');
  if (/^\+?[\d*#\s().\-/]+$/.test(number)) {
    return e164(number, country) ?? number.replaceAll(/[^\d*#+]/g, '');
  }
  return address.toLowerCase();
}
