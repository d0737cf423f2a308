import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { printable } from '@offhook/common/printable';
import type { Action } from '../keys.ts';
import { blocked } from '../blocked.ts';
import { commands } from '../palette.ts';
import type { PhoneState } from '../state.ts';
import { shortUri, texts } from '../texts.ts';
import type { Theme } from '../theme.ts';
import type { Ui } from '../ui.ts';
import { HelpScreen } from './help-screen.tsx';
import { IncomingBanner } from './incoming-banner.tsx';
import { KeyLine } from './key-line.tsx';
import { LampLine } from './lamp-line.tsx';
import { MainPane } from './main-pane.tsx';
import { PalettePane } from './palette-pane.tsx';
import { Coloured, PhoneHeader } from './phone-header.tsx';
import { TextField } from './text-field.tsx';

/** Lines that everything but the list in view can take. */
const OTHER_ROWS = 16;
const LEAST_COLUMNS = 80;
const LEAST_ROWS = 24;

export interface PhoneScreenProps {
  readonly state: PhoneState;
  readonly ui: Ui;
  readonly actions: ReadonlySet<Action>;
  /** Wall clock, ms since the epoch. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly theme: Theme;
}

/** The whole screen, from data alone. */
export function PhoneScreen(props: PhoneScreenProps): ReactNode {
  const { state, ui, theme, columns, rows } = props;
  const incoming = state.calls.filter((call) => call.state === 'incoming');
  const connected = state.daemon.state === 'connected';
  return (
    // As wide as ink has it, which knows of a new size before React does: a frame that is too wide for
    // one moment would be wrapped, and what is drawn over it later would miss its place.
    <Box flexDirection="column">
      {!ui.help && (
        <Text bold>
          <Coloured colour={theme.accent}>{texts.title}</Coloured>
        </Text>
      )}
      {state.daemon.state === 'connecting' && <Text>{texts.connecting}</Text>}
      {state.daemon.state === 'lost' && (
        <Text wrap="truncate-end">
          <Coloured colour={theme.bad}>{texts.lost(state.daemon.reason)}</Coloured>
        </Text>
      )}
      {connected && !ui.help && <PhoneHeader {...state} theme={theme} />}
      {connected && !ui.help && <LampLine lamps={state.lamps} theme={theme} />}
      {connected && state.doNotDisturb && (
        <Text bold>
          <Coloured colour={theme.warning}>{texts.doNotDisturb}</Coloured>
        </Text>
      )}
      {connected && (
        <IncomingBanner
          calls={incoming}
          typing={ui.field !== undefined || ui.finding}
          theme={theme}
        />
      )}
      {ui.help ? (
        <HelpScreen rows={incoming.length > 0 ? rows - OTHER_ROWS / 2 : rows - 2} />
      ) : (
        <Middle {...props} room={Math.max(2, rows - OTHER_ROWS)} connected={connected} />
      )}
      {(columns < LEAST_COLUMNS || rows < LEAST_ROWS) && <Text dimColor>{texts.tooSmall}</Text>}
      {!ui.help && (
        <Box marginTop={1}>
          <KeyLine actions={props.actions} blocked={blocked(state, ui.chosenCall)} />
        </Box>
      )}
    </Box>
  );
}

/** Calls or the view, what is being typed, and what there is to say. */
function Middle(props: PhoneScreenProps & { room: number; connected: boolean }): ReactNode {
  const { state, ui, theme, room } = props;
  const { field } = ui;
  return (
    <Box flexDirection="column" marginTop={1}>
      {props.connected && field?.kind !== 'palette' && <MainPane {...props} rows={room} />}
      {field?.kind === 'palette' && (
        <PalettePane
          text={field.text}
          commands={commands(ui.chosenCall, state, field.text)}
          chosen={field.row}
          rows={room}
          theme={theme}
        />
      )}
      {field?.kind === 'dial' && (
        <TextField label={texts.dial} hint={texts.dialHint} value={field.text} theme={theme} />
      )}
      {field?.kind === 'transfer' && (
        <TextField
          label={texts.transfer}
          hint={texts.transferHint}
          value={field.text}
          theme={theme}
        />
      )}
      {field?.kind === 'message' && (
        <TextField
          label={
            field.to?.target === undefined
              ? texts.writeTo
              : texts.write(shortUri(field.to.target, field.to.account ?? ''))
          }
          hint={field.to === undefined ? texts.writeToHint : texts.writeHint}
          value={field.text}
          theme={theme}
        />
      )}
      {state.notice !== undefined && (
        <Text>
          <Coloured colour={state.notice.kind === 'error' ? theme.bad : theme.accent}>
            {printable(state.notice.text)}
          </Coloured>
        </Text>
      )}
    </Box>
  );
}
