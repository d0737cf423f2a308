import { Text } from 'ink';
import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { Coloured } from './phone-header.tsx';
import type { Theme } from '../theme.ts';

export function DialField({ value, theme }: { value: string; theme: Theme }): ReactNode {
  return (
    <Text wrap="truncate-start">
      <Coloured colour={theme.accent}>{texts.dial}</Coloured>
      {value}
      <Text inverse> </Text>
      {value === '' && <Text dimColor>{` ${texts.dialHint}`}</Text>}
    </Text>
  );
}
