import { Text } from 'ink';
import type { ReactNode } from 'react';
import { texts } from '../texts.ts';
import { Coloured } from './phone-header.tsx';
import type { Theme } from '../theme.ts';

export function DialField(props: { value: string; transfer: boolean; theme: Theme }): ReactNode {
  const { value, transfer, theme } = props;
  return (
    <Text wrap="truncate-start">
      <Coloured colour={theme.accent}>{transfer ? texts.transfer : texts.dial}</Coloured>
      {value}
      <Text inverse> </Text>
      {value === '' && <Text dimColor>{` ${transfer ? texts.transferHint : texts.dialHint}`}</Text>}
    </Text>
  );
}
