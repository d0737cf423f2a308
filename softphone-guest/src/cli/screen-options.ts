import type { PathOptions } from '../paths.ts';

/**
 * The options of `offhook` without a command; undefined when there is anything else on the command
 * line, which is for the parser of commands then.
 */
export function screenOptions(words: readonly string[]): PathOptions | undefined {
  const options: { stateDir?: string; config?: string } = {};
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, attached] = /^--(state-dir|config)(?:=(.*))?$/s.exec(word) ?? [];
    const value = name === undefined ? undefined : (attached ?? rest.shift());
    if (value === undefined) return undefined;
    if (name === 'config') options.config = value;
    else options.stateDir = value;
  }
  return options;
}
