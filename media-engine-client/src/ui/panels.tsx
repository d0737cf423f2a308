import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { AudioDevice, AudioRole } from '@offhook/media-rpc';
import { clean } from '../cli/output.ts';
import { keyTable } from './keys.ts';
import { roleNames } from './texts.ts';

/** Which device a role shall have. */
export function DeviceChooser(props: {
  readonly role: AudioRole;
  readonly devices: readonly AudioDevice[];
  readonly at: number;
}): ReactNode {
  return (
    <Box flexDirection="column">
      <Text bold>{`Choose the ${roleNames[props.role]}: Enter takes it, Esc leaves`}</Text>
      {props.devices.length === 0 ? <Text>there is none</Text> : null}
      {props.devices.map((device, index) => (
        <Text key={device.id} bold={index === props.at} wrap="truncate-end">
          {`${index === props.at ? '>' : ' '} ${clean(device.name)}  ${clean(device.id)}${device.present ? '' : '  not plugged in'}`}
        </Text>
      ))}
    </Box>
  );
}

export function HelpLines(): ReactNode {
  return (
    <Box flexDirection="column">
      <Text bold>Keys (any key closes this)</Text>
      {keyTable.map(({ action, shown, help }) => (
        <Text key={action}>{`${shown}  ${help}`}</Text>
      ))}
    </Box>
  );
}
