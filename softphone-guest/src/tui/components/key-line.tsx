import { Text } from 'ink';
import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { keyTable, type Action } from '../keys.ts';

/** The bottom line: what the keys can do just now; pale what they cannot at the desk phone. */
export function KeyLine(props: {
  actions: ReadonlySet<Action>;
  blocked: ReadonlyMap<Action, string>;
}): ReactNode {
  const { actions, blocked } = props;
  return (
    <Text wrap="truncate-end">
      {keyTable
        .filter((binding) => binding.hint && actions.has(binding.action))
        .map((binding) => (
          <Text key={binding.action} dimColor={blocked.has(binding.action)}>
            <Text bold={!blocked.has(binding.action)}>{binding.shown}</Text>
            {blocked.has(binding.action)
              ? ` (${binding.label}: ${texts.notAtDesk})   `
              : ` ${binding.label}   `}
          </Text>
        ))}
    </Text>
  );
}
