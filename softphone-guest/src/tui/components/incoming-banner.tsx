import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { CallInfo } from '../../control/schemas.ts';
import { shownKey } from '../keys.ts';
import { party, texts } from '../texts.ts';
import type { Theme } from '../theme.ts';

/** A call that rings: framed, reversed, in words, and above everything else. */
export function IncomingBanner(props: {
  calls: readonly CallInfo[];
  /** Letters go into the dial field just now. */
  typing: boolean;
  theme: Theme;
}): ReactNode {
  const [call, ...more] = props.calls;
  if (call === undefined) return null;
  const { incoming } = props.theme;
  return (
    <Box
      flexDirection="column"
      borderStyle="double"
      paddingX={1}
      {...(incoming === undefined ? {} : { borderColor: incoming })}
    >
      <Text wrap="truncate-end">
        <Text bold inverse>
          {` ${texts.incoming} `}
        </Text>
        <Text bold> {party(call)}</Text>
        {more.length > 0 && ` ${texts.moreIncoming(more.length)}`}
      </Text>
      <Text>
        {texts.incomingKeys(shownKey('answer', props.typing), shownKey('reject', props.typing))}
      </Text>
    </Box>
  );
}
