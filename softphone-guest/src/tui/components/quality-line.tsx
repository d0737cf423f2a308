import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { MediaInfo } from '../../control/schemas.ts';
import { texts } from '../texts.ts';
import { signs, type Theme } from '../theme.ts';
import { Coloured } from './phone-header.tsx';

const METER_WIDTH = 20;
/** Below it nothing is heard. */
const METER_FLOOR_DB = -60;
/** ITU-T G.107 annex B: many are satisfied above, many dissatisfied below. */
const GOOD_MOS = 4;
const BAD_MOS = 3.1;

/** The call that is talked on: codec, quality, and both levels. */
export function QualityLine({ media, theme }: { media: MediaInfo; theme: Theme }): ReactNode {
  if (media.codec === null) return <Text dimColor>{texts.noFigures}</Text>;
  return (
    <Box flexDirection="column">
      <Text wrap="truncate-end">
        {media.codec}
        {media.mos !== null && (
          <Coloured
            colour={mosColour(media.mos, theme)}
          >{`  MOS ${media.mos.toFixed(1)}`}</Coloured>
        )}
        {`  loss ${media.lossPct.toFixed(1)} %  jitter ${media.jitterMs.toFixed(0)} ms`}
        {media.rttMs !== null && `  RTT ${media.rttMs.toFixed(0)} ms`}
      </Text>
      {media.inputDb !== null && media.outputDb !== null && (
        <Text>
          {`${texts.microphone} `}
          <Coloured colour={theme.accent}>{meter(media.inputDb)}</Coloured>
          {`   ${texts.speaker} `}
          <Coloured colour={theme.accent}>{meter(media.outputDb)}</Coloured>
        </Text>
      )}
    </Box>
  );
}

export function mosColour(mos: number, theme: Theme): string | undefined {
  if (mos >= GOOD_MOS) return theme.good;
  return mos < BAD_MOS ? theme.bad : theme.warning;
}

/** RMS in dBFS as a bar from -60 to 0. */
export function meter(db: number): string {
  const share = Math.min(1, Math.max(0, 1 - db / METER_FLOOR_DB));
  const on = Math.round(share * METER_WIDTH);
  return signs.levelOn.repeat(on) + signs.levelOff.repeat(METER_WIDTH - on);
}
