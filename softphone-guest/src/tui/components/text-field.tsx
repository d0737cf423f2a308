import { Text } from 'ink';
import type { ReactNode } from 'react';
import { Coloured } from './phone-header.tsx';
import type { Theme } from '../theme.ts';

/** A line that is typed into; what it takes is said as long as it is empty. */
export function TextField(props: {
  label: string;
  hint: string;
  value: string;
  theme: Theme;
}): ReactNode {
  const { label, hint, value, theme } = props;
  return (
    <Text wrap="truncate-start">
      <Coloured colour={theme.accent}>{label}</Coloured>
      {value}
      <Text inverse> </Text>
      {value === '' && <Text dimColor>{` ${hint}`}</Text>}
    </Text>
  );
}
