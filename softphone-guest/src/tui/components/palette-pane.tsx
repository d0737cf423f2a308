import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { Command } from '../palette.ts';
import { texts } from '../texts.ts';
import { signs, type Theme } from '../theme.ts';
import { TextField } from './text-field.tsx';
import { windowOf } from './window.ts';

/** What can be done, by name. */
export function PalettePane(props: {
  text: string;
  commands: readonly Command[];
  chosen: number;
  rows: number;
  theme: Theme;
}): ReactNode {
  const { text, commands, chosen, theme } = props;
  const { from, to } = windowOf(commands.length, chosen, props.rows);
  return (
    <Box flexDirection="column">
      <TextField label={texts.palette} hint={texts.paletteHint} value={text} theme={theme} />
      {commands.length === 0 && <Text dimColor>{texts.noCommand}</Text>}
      {commands.slice(from, to).map(({ name, shown }, index) => (
        <Text key={name} wrap="truncate-end" bold={from + index === chosen}>
          {`${from + index === chosen ? signs.chosen : ' '} ${shown.padEnd(7)} ${name}`}
        </Text>
      ))}
    </Box>
  );
}
