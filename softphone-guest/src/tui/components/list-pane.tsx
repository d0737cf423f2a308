import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { chosenIndex, type Chosen, type ListView, type Row } from '../lists.ts';
import { texts } from '../texts.ts';
import { signs, type Theme } from '../theme.ts';
import { Coloured } from './phone-header.tsx';
import { windowOf } from './window.ts';

/** Widest column but the last; longer cells are cut. */
const WIDEST = 36;
/** Of a message that is shown whole. */
const WHOLE_ROWS = 3;

/** History, contacts, messages or lamps: the chosen line is always in sight. */
export function ListPane(props: {
  view: ListView;
  /** Undefined while they are being fetched. */
  lines: readonly Row[] | undefined;
  chosen: Chosen;
  find: string;
  finding: boolean;
  /** Lines that there is room for. */
  rows: number;
  theme: Theme;
}): ReactNode {
  const { view, lines, find, finding, theme } = props;
  const chosen = chosenIndex(lines ?? [], props.chosen);
  const whole = lines?.[chosen]?.whole;
  const others = (finding ? 1 : 0) + (whole === undefined ? 0 : WHOLE_ROWS + 1);
  const shown = windowOf(lines?.length ?? 0, chosen, Math.max(2, props.rows - others));
  const widths = columnWidths(lines ?? []);
  return (
    <Box flexDirection="column">
      {(finding || find !== '') && (
        <Text wrap="truncate-start">
          <Coloured colour={theme.accent}>{texts.find}</Coloured>
          {find}
          {finding && <Text inverse> </Text>}
          {finding && find === '' && <Text dimColor>{` ${texts.findHint}`}</Text>}
        </Text>
      )}
      {lines === undefined && <Text dimColor>{texts.fetching}</Text>}
      {lines?.length === 0 && (
        <Text dimColor>{find === '' ? texts.empty[view] : texts.notFound}</Text>
      )}
      {lines?.slice(shown.from, shown.to).map((line, index) => (
        <Line
          key={line.key}
          line={line}
          widths={widths}
          chosen={shown.from + index === chosen}
          theme={theme}
        />
      ))}
      {lines !== undefined && shown.to - shown.from < lines.length && (
        <Text dimColor>{`${shown.from + 1}-${shown.to} of ${lines.length}`}</Text>
      )}
      {whole !== undefined && (
        <Box marginTop={1} maxHeight={WHOLE_ROWS} overflow="hidden">
          <Text>{whole}</Text>
        </Box>
      )}
    </Box>
  );
}

function Line(props: {
  line: Row;
  widths: readonly number[];
  chosen: boolean;
  theme: Theme;
}): ReactNode {
  const { line, widths, chosen, theme } = props;
  const cells = line.cells.map((cell, column) => {
    if (column === line.cells.length - 1) return cell;
    const width = widths[column] ?? 0;
    return cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);
  });
  return (
    <Text wrap="truncate-end" bold={chosen}>
      {chosen ? signs.chosen : ' '}
      <Coloured colour={line.sign === signs.bad ? theme.warning : theme.accent}>
        {line.sign}
      </Coloured>
      {` ${cells.join('  ')}`}
    </Text>
  );
}

function columnWidths(lines: readonly Row[]): readonly number[] {
  const widths: number[] = [];
  for (const { cells } of lines) {
    for (const [column, cell] of cells.entries()) {
      widths[column] = Math.min(WIDEST, Math.max(widths[column] ?? 0, cell.length));
    }
  }
  return widths;
}
