import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { keyTable } from '../keys.ts';
import { texts } from '../texts.ts';

/** Made from the key table. */
export function HelpScreen(): ReactNode {
  return (
    <Box flexDirection="column" borderStyle="single" paddingX={1}>
      <Text bold>{texts.helpTitle}</Text>
      {keyTable.map((binding) => (
        <Text key={binding.action} wrap="truncate-end">
          {binding.shown.padEnd(10)}
          {binding.label.padEnd(10)}
          {binding.help}
        </Text>
      ))}
      <Text dimColor>{texts.helpClose}</Text>
    </Box>
  );
}
