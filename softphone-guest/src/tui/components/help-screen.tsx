import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { keyTable, type KeyBinding } from '../keys.ts';
import { texts } from '../texts.ts';

/** Frame, title and last line. */
const OTHER_ROWS = 4;

/** Made from the key table: one column, or two with shorter words when the screen is low. */
export function HelpScreen({ rows }: { rows: number }): ReactNode {
  const room = Math.max(1, rows - OTHER_ROWS);
  const both = keyTable.length > room;
  const first = both ? Math.ceil(keyTable.length / 2) : keyTable.length;
  return (
    <Box flexDirection="column" borderStyle="single" paddingX={1}>
      <Text bold>{texts.helpTitle}</Text>
      <Box>
        <KeyColumn bindings={keyTable.slice(0, first)} long={!both} />
        {both && <KeyColumn bindings={keyTable.slice(first)} long={false} />}
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
