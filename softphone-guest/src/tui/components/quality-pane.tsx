import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { CallInfo } from '../../control/schemas.ts';
import { chart, MOST_SAMPLES, type Sample } from '../samples.ts';
import { party, texts } from '../texts.ts';
import type { Theme } from '../theme.ts';
import { Coloured } from './phone-header.tsx';
import { mosColour, QualityLine } from './quality-line.tsx';

/** MOS by the E-model goes from 1 to 4.5. */
const [WORST_MOS, BEST_MOS] = [1, 4.5];
/** Of a chart; more fills it. */
const [MOST_LOSS_PCT, MOST_JITTER_MS] = [10, 60];

/** Before each chart. */
const NAME_WIDTH = 8;

/** How the chosen call sounds, and has sounded for a minute. */
export function QualityPane(props: {
  call: CallInfo | undefined;
  samples: readonly Sample[];
  /** Of the pane. */
  columns: number;
  theme: Theme;
}): ReactNode {
  const { call, columns, theme } = props;
  const seconds = Math.min(MOST_SAMPLES, Math.max(1, columns - NAME_WIDTH));
  const samples = props.samples.slice(-seconds);
  if (call === undefined) return <Text dimColor>{texts.noCall}</Text>;
  const { media } = call;
  return (
    <Box flexDirection="column">
      <Text wrap="truncate-end" bold>
        {party(call)}
      </Text>
      <QualityLine media={media} theme={theme} />
      {media.codec !== null && (
        <Text wrap="truncate-end">
          {[
            `sent ${media.txPackets} packets, ${media.txLossPct.toFixed(1)} % lost`,
            `received ${media.rxPackets}`,
            `jitter buffer ${media.jitterBufferMs.toFixed(0)} ms`,
            `concealed ${media.concealedPct.toFixed(1)} %`,
          ].join('  ')}
        </Text>
      )}
      <Text dimColor>{texts.last(seconds)}</Text>
      <ChartLine
        seconds={seconds}
        name="MOS"
        colour={media.mos === null ? undefined : mosColour(media.mos, theme)}
        bars={chart(
          samples.map(({ mos }) => mos),
          WORST_MOS,
          BEST_MOS,
        )}
      />
      <ChartLine
        seconds={seconds}
        name="loss"
        colour={undefined}
        bars={chart(
          samples.map(({ lossPct }) => lossPct),
          0,
          MOST_LOSS_PCT,
        )}
      />
      <ChartLine
        seconds={seconds}
        name="jitter"
        colour={undefined}
        bars={chart(
          samples.map(({ jitterMs }) => jitterMs),
          0,
          MOST_JITTER_MS,
        )}
      />
    </Box>
  );
}

function ChartLine(props: {
  name: string;
  bars: string;
  seconds: number;
  colour: string | undefined;
}): ReactNode {
  return (
    <Text wrap="truncate-end">
      {props.name.padEnd(NAME_WIDTH)}
      <Coloured colour={props.colour}>{props.bars.padStart(props.seconds)}</Coloured>
    </Text>
  );
}
