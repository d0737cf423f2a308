import { isDeepStrictEqual } from 'node:util';
import { OffhookError, parseLayers, type ConfigText } from '@offhook/common';
import { z } from 'zod';

const accountsSchema = z.looseObject({
  account: z
    .array(z.looseObject({ aor: z.string(), password_file: z.string().optional() }))
    .default([]),
});

/** `[[account]]`s as the file itself has them. */
export function accountsIn(file: ConfigText): z.output<typeof accountsSchema>['account'] {
  return parseLayers([file], accountsSchema).config.account;
}

/**
 * The text without the `[[account]]` of that address of record, its tables, and the comment right
 * above it. Everything else stays as it was written.
 *
 * @throws OffhookError of layer `config`: `no-account`, and `not-editable` where the account is
 * written in a way that cannot be taken out line by line.
 */
export function withoutAccount(file: ConfigText, aor: string): string {
  const { path, text } = file;
  const before = parseLayers([file], accountsSchema).config;
  const index = before.account.findIndex((one) => one.aor === aor);
  if (index < 0) {
    const known = before.account.map((one) => one.aor).join(', ') || 'none';
    throw new OffhookError(
      'config',
      'no-account',
      `${path}: no account ${aor}; there are: ${known}`,
    );
  }
  const lines = text.split('\n');
  const begins = lines.flatMap((line, at) => (/^\s*\[\[\s*account\s*\]\]/.test(line) ? [at] : []));
  const begin = begins[index] ?? lines.length;
  const end = lines.findIndex(
    (line, at) => at > begin && /^\s*\[/.test(line) && !/^\s*\[+\s*account\s*\./.test(line),
  );
  const after = lines
    .toSpliced(
      aboveComment(lines, begin),
      (end < 0 ? lines.length : aboveComment(lines, end)) - aboveComment(lines, begin),
    )
    .join('\n');
  const wanted = { ...before, account: before.account.toSpliced(index, 1) };
  if (!parsesTo({ path, text: after }, wanted)) {
    throw new OffhookError(
      'config',
      'not-editable',
      `${path}: ${aor} is not written as [[account]]`,
      {
        remedy: 'remove it with an editor, then `offhook reload`',
      },
    );
  }
  return after;
}

/** The first line of the comment that ends right above a line. */
function aboveComment(lines: readonly string[], at: number): number {
  let first = at;
  while (first > 0 && /^\s*#/.test(lines[first - 1] ?? '')) first -= 1;
  return first;
}

function parsesTo(file: ConfigText, wanted: object): boolean {
  try {
    return isDeepStrictEqual(parseLayers([file], accountsSchema).config, wanted);
  } catch {
    return false;
  }
}
