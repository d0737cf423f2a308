import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { keyTable, type KeyBinding } from '../keys.ts';
import { texts } from '../texts.ts';

/** Frame, title and last line. */
const OTHER_ROWS = 4;

/** Made from the key table: one column, or more with shorter words when the screen is low. */
export function HelpScreen({ rows }: { rows: number }): ReactNode {
  const room = Math.max(1, rows - OTHER_ROWS);
  const columns = Math.ceil(keyTable.length / room);
  const height = Math.ceil(keyTable.length / columns);
  return (
    <Box flexDirection="column" borderStyle="single" paddingX={1}>
      <Text bold>{texts.helpTitle}</Text>
      <Box>
        {Array.from({ length: columns }, (_, at) => (
          <KeyColumn
            key={at}
            bindings={keyTable.slice(at * height, (at + 1) * height)}
            long={columns === 1}
          />
        ))}
      </Box>
      <Text dimColor>{texts.helpClose}</Text>
    </Box>
  );
}

function KeyColumn(props: { bindings: readonly KeyBinding[]; long: boolean }): ReactNode {
  return (
    <Box flexDirection="column" flexGrow={1} flexBasis={0}>
      {props.bindings.map(({ action, shown, label, help }) => (
        <Text key={action} wrap="truncate-end">
          {shown.padEnd(9)}
          {props.long ? `${label.padEnd(16)}${help}` : label}
        </Text>
      ))}
    </Box>
  );
}
