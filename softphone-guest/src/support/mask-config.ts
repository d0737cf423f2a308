/** Keys whose values are, or lead to, secrets. */
const SECRET_KEY = /^(\s*"?(?:password|password_command)"?\s*=\s*)(.*)$/;

/** A configuration as it may be shown: passwords are gone, also over several lines and in one line. */
export function maskConfig(text: string): string {
  const lines: string[] = [];
  let closing: string | undefined;
  for (const line of text.split('\n')) {
    if (closing !== undefined) {
      if (line.includes(closing)) closing = undefined;
      continue;
    }
    const [, key, value = ''] = SECRET_KEY.exec(line) ?? [];
    if (key === undefined) {
      lines.push(maskInline(line));
      continue;
    }
    lines.push(`${key}"***"`);
    const quote = /^("""|''')/.exec(value)?.[1];
    if (quote !== undefined && !value.slice(3).includes(quote)) closing = quote;
  }
  return lines.join('\n');
}

/** Inline tables, and passwords in URIs (RFC 3261 §19.1.1). */
function maskInline(line: string): string {
  return line
    .replaceAll(/\b(password(?:_command)?\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*')/g, '$1"***"')
    .replaceAll(/(\bsips?:[^\s:@"']+):[^\s@"']*@/gi, '$1:***@');
}
