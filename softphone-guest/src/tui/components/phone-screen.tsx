import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { printable } from '@offhook/common/printable';
import type { Action } from '../keys.ts';
import { focusOf, type PhoneState } from '../state.ts';
import { texts } from '../texts.ts';
import type { Theme } from '../theme.ts';
import { CallList } from './call-list.tsx';
import { DialField } from './dial-field.tsx';
import { HelpScreen } from './help-screen.tsx';
import { IncomingBanner } from './incoming-banner.tsx';
import { KeyLine } from './key-line.tsx';
import { Coloured, PhoneHeader } from './phone-header.tsx';
import { QualityLine } from './quality-line.tsx';

/** Lines that everything but the list of calls can take. */
const OTHER_ROWS = 16;
const LEAST_COLUMNS = 80;
const LEAST_ROWS = 24;

export interface PhoneScreenProps {
  readonly state: PhoneState;
  readonly chosen: string | undefined;
  /** What is typed into the dial field; undefined when it is not open. */
  readonly dialling: string | undefined;
  /** What is typed is where the call goes. */
  readonly transferring: boolean;
  readonly help: boolean;
  readonly actions: ReadonlySet<Action>;
  /** Wall clock, ms since the epoch. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly theme: Theme;
}

/** The whole screen, from data alone. */
export function PhoneScreen(props: PhoneScreenProps): ReactNode {
  const { state, theme, columns, rows } = props;
  const focused = focusOf(state.calls, props.chosen);
  const incoming = state.calls.filter((call) => call.state === 'incoming');
  const others = state.calls.filter((call) => call.state !== 'incoming');
  const connected = state.daemon.state === 'connected';
  return (
    <Box flexDirection="column" width={columns}>
      <Text bold>
        <Coloured colour={theme.accent}>{texts.title}</Coloured>
      </Text>
      {state.daemon.state === 'connecting' && <Text>{texts.connecting}</Text>}
      {state.daemon.state === 'lost' && (
        <Text wrap="truncate-end">
          <Coloured colour={theme.bad}>{texts.lost(state.daemon.reason)}</Coloured>
        </Text>
      )}
      {connected && <PhoneHeader accounts={state.accounts} engine={state.engine} theme={theme} />}
      {connected && state.doNotDisturb && (
        <Text bold>
          <Coloured colour={theme.warning}>{texts.doNotDisturb}</Coloured>
        </Text>
      )}
      {connected && (
        <IncomingBanner calls={incoming} typing={props.dialling !== undefined} theme={theme} />
      )}
      {props.help ? (
        <HelpScreen />
      ) : (
        <Box flexDirection="column" marginTop={1}>
          {connected && (others.length > 0 || incoming.length === 0) && (
            <CallList
              calls={others}
              focused={focused?.id}
              now={props.now}
              rows={Math.max(2, rows - OTHER_ROWS)}
              theme={theme}
            />
          )}
          {connected && focused?.state === 'established' && (
            <QualityLine media={focused.media} theme={theme} />
          )}
          {props.dialling !== undefined && (
            <DialField value={props.dialling} transfer={props.transferring} theme={theme} />
          )}
          {state.notice !== undefined && (
            <Text>
              <Coloured colour={state.notice.kind === 'error' ? theme.bad : theme.accent}>
                {printable(state.notice.text)}
              </Coloured>
            </Text>
          )}
        </Box>
      )}
      {(columns < LEAST_COLUMNS || rows < LEAST_ROWS) && <Text dimColor>{texts.tooSmall}</Text>}
      <Box marginTop={1}>
        <KeyLine actions={props.actions} />
      </Box>
    </Box>
  );
}
