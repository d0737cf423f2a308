/** What stands in a configuration file: nested tables, arrays of tables, plain values. */
export type TomlValue = string | number | boolean | readonly TomlValue[] | TomlTable;
export interface TomlTable {
  readonly [key: string]: TomlValue | undefined;
}

/** A table as TOML; keys that are undefined are left out. */
export function toToml(table: TomlTable): string {
  return `${section(table, '').join('\n')}\n`;
}

function section(table: TomlTable, path: string): string[] {
  const entries = Object.entries(table).filter(
    (entry): entry is [string, TomlValue] => entry[1] !== undefined,
  );
  const lines = entries
    .filter(([, value]) => !isTable(value) && !isTables(value))
    .map(([key, value]) => `${key} = ${inline(value)}`);
  for (const [key, value] of entries) {
    const name = path === '' ? key : `${path}.${key}`;
    if (isTable(value)) lines.push(`[${name}]`, ...section(value, name));
    else if (isTables(value))
      for (const one of value) lines.push(`[[${name}]]`, ...section(one, name));
  }
  return lines;
}

function inline(value: TomlValue): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  return JSON.stringify(value);
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value);
}

function isTables(value: TomlValue): value is readonly TomlTable[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}
