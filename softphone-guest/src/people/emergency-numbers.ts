/** Emergency numbers by country (ITU-T E.161.1 and what administrations publish): those people know. */
const BY_COUNTRY: Readonly<Record<string, readonly string[]>> = {
  AR: ['911', '112'],
  AT: ['112', '122', '133', '144'],
  AU: ['000', '112'],
  BE: ['112', '101'],
  BR: ['190', '192', '193', '112', '911'],
  CA: ['911'],
  CH: ['112', '117', '118', '144'],
  CN: ['110', '119', '120', '112'],
  CZ: ['112', '150', '155', '158'],
  DE: ['112', '110'],
  ES: ['112'],
  FR: ['112', '15', '17', '18', '114'],
  GB: ['999', '112'],
  IE: ['112', '999'],
  IN: ['112'],
  IT: ['112', '113', '115', '118'],
  JP: ['110', '118', '119'],
  KR: ['112', '119'],
  MX: ['911'],
  NO: ['110', '112', '113'],
  NZ: ['111', '112'],
  PL: ['112', '997', '998', '999'],
  SG: ['995', '999', '112'],
  US: ['911'],
  ZA: ['112', '10111', '10177'],
};

/** 112 reaches help in all of the European Union, and in most other places with it. */
const ELSEWHERE = ['112'];

/** Numbers that reach help in a country (ISO 3166-1). */
export function emergencyNumbers(country: string | undefined): readonly string[] {
  return BY_COUNTRY[country?.toUpperCase() ?? ''] ?? ELSEWHERE;
}
