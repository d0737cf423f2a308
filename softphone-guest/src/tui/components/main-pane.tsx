import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { isListView, rowsOf, type View } from '../lists.ts';
import { focusOf, type PhoneState } from '../state.ts';
import { texts } from '../texts.ts';
import type { Theme } from '../theme.ts';
import type { Ui } from '../ui.ts';
import { CallList } from './call-list.tsx';
import { ListPane } from './list-pane.tsx';
import { QualityLine } from './quality-line.tsx';
import { QualityPane } from './quality-pane.tsx';

/** From here on calls and another view stand side by side. */
const BOTH_COLUMNS = 120;

interface PaneProps {
  readonly state: PhoneState;
  readonly ui: Ui;
  readonly now: number;
  readonly rows: number;
  readonly columns: number;
  readonly theme: Theme;
}

/** Calls and the view: one above the other's place on a narrow screen, side by side on a wide one. */
export function MainPane(props: PaneProps): ReactNode {
  const { ui, columns } = props;
  if (columns < BOTH_COLUMNS || ui.view === 'calls') {
    return (
      <Box flexDirection="column">
        {ui.view !== 'calls' && <Title view={ui.view} />}
        <ViewPane {...props} view={ui.view} />
      </Box>
    );
  }
  return (
    <Box>
      <Box flexDirection="column" width="50%" paddingRight={2}>
        <CallsPane {...props} />
      </Box>
      <Box flexDirection="column" width="50%">
        <Title view={ui.view} />
        <ViewPane {...props} columns={Math.floor(columns / 2)} view={ui.view} />
      </Box>
    </Box>
  );
}

function Title({ view }: { view: View }): ReactNode {
  return <Text bold>{texts.views[view]}</Text>;
}

function ViewPane(props: PaneProps & { view: View }): ReactNode {
  const { view, state, ui, rows, theme } = props;
  if (isListView(view)) {
    return (
      <ListPane
        view={view}
        lines={rowsOf(view, state, ui.find)}
        chosen={ui}
        find={ui.find}
        finding={ui.finding}
        rows={rows}
        theme={theme}
      />
    );
  }
  if (view === 'calls') return <CallsPane {...props} />;
  const call = focusOf(state.calls, ui.chosenCall);
  return (
    <QualityPane
      call={call}
      samples={call === undefined ? [] : (state.samples[call.id] ?? [])}
      columns={props.columns}
      theme={theme}
    />
  );
}

function CallsPane({ state, ui, now, rows, theme }: PaneProps): ReactNode {
  const focused = focusOf(state.calls, ui.chosenCall);
  const others = state.calls.filter((call) => call.state !== 'incoming');
  const ringing = others.length < state.calls.length;
  return (
    <Box flexDirection="column">
      {(others.length > 0 || !ringing) && (
        <CallList calls={others} focused={focused?.id} now={now} rows={rows} theme={theme} />
      )}
      {focused?.state === 'established' && focused.at === 'soft' && (
        <QualityLine media={focused.media} theme={theme} />
      )}
    </Box>
  );
}
