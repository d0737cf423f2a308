import { Text } from 'ink';
import type { ReactNode } from 'react';
import { keyTable, type Action } from '../keys.ts';

/** The bottom line: what the keys can do just now. */
export function KeyLine({ actions }: { actions: ReadonlySet<Action> }): ReactNode {
  return (
    <Text wrap="truncate-end">
      {keyTable
        .filter((binding) => binding.hint && actions.has(binding.action))
        .map((binding) => (
          <Text key={binding.action}>
            <Text bold>{binding.shown}</Text>
            {` ${binding.label}   `}
          </Text>
        ))}
    </Text>
  );
}
