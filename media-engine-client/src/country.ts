/**
 * The country whose tones are played: as configured, or by the locale (`de_AT.UTF-8` is Austria),
 * else `default`, which has the European plan.
 */
export function localCountry(
  configured: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (configured !== 'auto') return configured.toLowerCase();
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return /^[a-z]{2,3}_([A-Z]{2})/u.exec(locale)?.[1]?.toLowerCase() ?? 'default';
}
