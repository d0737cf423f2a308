import { Text } from 'ink';
import type { ReactNode } from 'react';
import { printable } from '@offhook/common/printable';
import type { LampInfo } from '../../control/presence-schemas.ts';
import { texts } from '../texts.ts';
import type { Theme } from '../theme.ts';
import { Coloured } from './phone-header.tsx';

/** What the watched phones and persons do, those that ring first. */
export function LampLine({
  lamps,
  theme,
}: {
  lamps: readonly LampInfo[];
  theme: Theme;
}): ReactNode {
  if (lamps.length === 0) return null;
  const colours = {
    unknown: undefined,
    free: theme.good,
    ringing: theme.accent,
    busy: theme.bad,
    away: theme.warning,
    offline: undefined,
  };
  const first = lamps.toSorted(
    (a, b) => Number(b.state === 'ringing') - Number(a.state === 'ringing'),
  );
  return (
    <Text wrap="truncate-end">
      {first.map(({ target, name, state }) => (
        <Text key={target}>
          {`${printable(name ?? target.replace(/^sips?:/i, ''))} `}
          <Coloured colour={colours[state]}>{texts.lampState[state]}</Coloured>
          {'   '}
        </Text>
      ))}
    </Text>
  );
}
