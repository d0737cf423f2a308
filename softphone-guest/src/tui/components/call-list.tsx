import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { CallInfo } from '../../control/schemas.ts';
import { duration, recordingWords } from '../../text/words.ts';
import { party, texts } from '../texts.ts';
import { signs, type Theme } from '../theme.ts';
import { Coloured } from './phone-header.tsx';
import { windowOf } from './window.ts';

/** Silence for so long is worth a word. */
const SILENT_MS = 2000;

export function CallList(props: {
  calls: readonly CallInfo[];
  focused: string | undefined;
  /** Wall clock, ms since the epoch. */
  now: number;
  /** Lines that there is room for. */
  rows: number;
  theme: Theme;
}): ReactNode {
  const { calls, focused, now, theme } = props;
  if (calls.length === 0) return <Text dimColor>{texts.noCalls}</Text>;
  const index = Math.max(
    0,
    calls.findIndex((call) => call.id === focused),
  );
  const { from, to } = windowOf(calls.length, index, props.rows);
  return (
    <Box flexDirection="column">
      {calls.slice(from, to).map((call) => (
        <CallLine key={call.id} call={call} chosen={call.id === focused} now={now} theme={theme} />
      ))}
      {to - from < calls.length && (
        <Text dimColor>{`${from + 1}-${to} of ${calls.length} calls`}</Text>
      )}
    </Box>
  );
}

function CallLine(props: {
  call: CallInfo;
  chosen: boolean;
  now: number;
  theme: Theme;
}): ReactNode {
  const { call, chosen, now, theme } = props;
  const marks = [
    ...recordingWords(call),
    ...(call.at === 'desk' ? [texts.atDesk] : []),
    ...(call.held ? [texts.held] : []),
    ...(call.remoteHeld ? [texts.remoteHeld] : []),
    ...(call.muted ? [texts.muted] : []),
    ...(call.locallyMuted ? [texts.locallyMuted] : []),
    ...(call.conference === null ? [] : [texts.inConference]),
    ...(call.transfer === null ? [] : [texts.transferring(call.transfer)]),
  ];
  const silent = call.silentMs >= SILENT_MS && !call.held && !call.remoteHeld;
  const talking = call.state === 'established' && !call.held;
  return (
    <Text wrap="truncate-end" bold={chosen}>
      {`${chosen ? signs.chosen : ' '} `}
      <Coloured colour={talking ? theme.good : theme.warning}>
        {texts.callState[call.state].padEnd(14)}
      </Coloured>
      {duration(call, now).padStart(7)}
      {`  ${party(call)}`}
      {marks.length > 0 && <Coloured colour={theme.warning}>{`  [${marks.join(', ')}]`}</Coloured>}
      {silent && (
        <Coloured colour={theme.bad}>
          {`  ${texts.silent(Math.floor(call.silentMs / 1000))}`}
        </Coloured>
      )}
    </Text>
  );
}
