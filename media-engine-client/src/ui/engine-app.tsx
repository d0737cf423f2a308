import { Box, Text, useInput, type Key } from 'ink';
import { useEffect, useReducer, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { AudioDevice, AudioRole } from '@offhook/media-rpc';
import { isRecorded } from '../session/recording.ts';
import { DeviceChooser, HelpLines } from './panels.tsx';
import { actionFor, keyTable, type Action } from './keys.ts';
import { focusOf, type EngineActions, type EngineView } from './state.ts';
import { callText, deviceText, guestsText, lostText, microphoneTexts } from './texts.ts';

export interface EngineAppProps {
  readonly store: {
    readonly getState: () => EngineView;
    readonly subscribe: (listener: () => void) => () => void;
  };
  readonly actions: EngineActions;
  /** Whether there may be colours; nothing is said by them alone. */
  readonly colour: boolean;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  readonly onQuit: () => void;
}

const VOLUME_STEP = 0.1;
const MAX_VOLUME = 4;
const LOST_SHOWN = 3;

/** Keys in, screen out. */
export function EngineApp({ store, actions, colour, now, onQuit }: EngineAppProps): ReactNode {
  const view = useSyncExternalStore(store.subscribe, store.getState);
  const [chosen, setChosen] = useState<string>();
  const [choosing, setChoosing] = useState<{ role: AudioRole; at: number }>();
  const [help, setHelp] = useState(false);
  const calls = view.calls.filter((call) => call.state !== 'closed');
  const focused = focusOf(calls, chosen);
  const ticking =
    calls.length > 0 || view.status?.guests.some((guest) => !guest.connected) === true;
  const time = useNow(ticking, now);

  const run = (action: Action): void => {
    actions.dismiss();
    switch (action) {
      case 'hangup':
        if (focused !== undefined) actions.hangup(focused.id);
        break;
      case 'mute':
        if (focused !== undefined) actions.mute(focused.id, !focused.locallyMuted);
        break;
      case 'muteAll':
        actions.muteAll(calls.some((call) => !call.locallyMuted));
        break;
      case 'take':
        if (focused !== undefined) actions.take(focused.id);
        break;
      case 'stopRecording':
        if (focused !== undefined) actions.stopRecording(focused.id);
        break;
      case 'microphone':
        setChoosing({ role: 'input', at: 0 });
        break;
      case 'speaker':
        setChoosing({ role: 'output', at: 0 });
        break;
      case 'ringer':
        setChoosing({ role: 'ringer', at: 0 });
        break;
      case 'louder':
        actions.volume('output', louder(view, VOLUME_STEP));
        break;
      case 'quieter':
        actions.volume('output', louder(view, -VOLUME_STEP));
        break;
      case 'next':
        setChosen(neighbour(calls, focused?.id, 1));
        break;
      case 'previous':
        setChosen(neighbour(calls, focused?.id, -1));
        break;
      case 'help':
        setHelp(true);
        break;
      case 'quit':
        onQuit();
        break;
      default:
        action satisfies never;
    }
  };
  const choose = (input: string, key: Key, role: AudioRole, at: number): void => {
    const options = devicesFor(view.devices, role);
    const last = Math.max(0, options.length - 1);
    if (key.downArrow || input === 'j') setChoosing({ role, at: Math.min(at + 1, last) });
    else if (key.upArrow || input === 'k') setChoosing({ role, at: Math.max(at - 1, 0) });
    else if (key.escape || input === 'q') setChoosing(undefined);
    else if (key.return) {
      const device = options[at];
      if (device !== undefined) actions.select(role, device.id);
      setChoosing(undefined);
    }
  };
  useInput((input, key) => {
    if (key.ctrl && input === 'c') onQuit();
    else if (help) setHelp(false);
    else if (choosing !== undefined) choose(input, key, choosing.role, choosing.at);
    else {
      const named = key.downArrow ? 'next' : key.upArrow ? 'previous' : undefined;
      const action = named ?? actionFor(input);
      if (action !== undefined) run(action);
    }
  });

  if (help) return <HelpLines />;
  if (choosing !== undefined) {
    const { role, at } = choosing;
    return <DeviceChooser role={role} devices={devicesFor(view.devices, role)} at={at} />;
  }
  return (
    <Box flexDirection="column">
      <Header view={view} now={time} colour={colour} />
      {calls.length === 0 ? <Text dimColor>no calls</Text> : null}
      {calls.map((call) => (
        <Text key={call.id} wrap="truncate-end" bold={call.id === focused?.id}>
          {`${call.id === focused?.id ? '>' : ' '} ${callText(call, time)}`}
        </Text>
      ))}
      {(view.status?.ended ?? []).slice(0, LOST_SHOWN).map((ended) => (
        <Text key={`${ended.guest}/${ended.id}`} wrap="truncate-end">
          {lostText(ended)}
        </Text>
      ))}
      {view.notice === undefined ? null : (
        <Text {...(colour && { color: 'red' })}>{`! ${view.notice}`}</Text>
      )}
      <KeyLine
        some={calls.length > 0}
        recorded={calls.some(({ recording }) => isRecorded(recording))}
      />
    </Box>
  );
}

function Header(props: { view: EngineView; now: number; colour: boolean }): ReactNode {
  const { status, lost } = props.view;
  if (lost !== undefined) return <Text bold>{`! ${lost}; looking for it`}</Text>;
  if (status === undefined) return <Text>looking for the engine</Text>;
  const live = status.microphone === 'live';
  const { worker, desktops } = status;
  return (
    <Box flexDirection="column">
      <Text>
        <Text bold={live} {...(props.colour && live && { color: 'red' })}>
          {`microphone ${microphoneTexts[status.microphone]}`}
        </Text>
        {`   guests ${guestsText(status, props.now)}`}
      </Text>
      {desktops.map(({ id, address, state }) => (
        <Text key={id}>{`desktop ${address}, ${state}`}</Text>
      ))}
      {worker.state === 'up' ? null : <Text bold>{`! media worker ${worker.state}`}</Text>}
      <Text dimColor wrap="truncate-end">
        {(['input', 'output', 'ringer'] as const)
          .map((role) => deviceText(status, role))
          .join('   ')}
      </Text>
    </Box>
  );
}

function KeyLine({ some, recorded }: { some: boolean; recorded: boolean }): ReactNode {
  const always: readonly Action[] = ['microphone', 'speaker', 'louder', 'quieter', 'help', 'quit'];
  const onCalls: readonly Action[] = ['hangup', 'mute', 'muteAll', 'take'];
  const shown = [...always, ...(some ? onCalls : []), ...(recorded ? ['stopRecording'] : [])];
  return (
    <Text wrap="truncate-end">
      {keyTable
        .filter(({ action }) => shown.includes(action))
        .map(({ action, shown: character, label }) => (
          <Text key={action}>
            <Text bold>{character}</Text>
            {` ${label}  `}
          </Text>
        ))}
    </Text>
  );
}

function devicesFor(devices: readonly AudioDevice[], role: AudioRole): readonly AudioDevice[] {
  return devices.filter((device) => device.roles.includes(role));
}

function louder({ status }: EngineView, by: number): number {
  const now = status?.volumes.output ?? 1;
  // Without the dust of binary fractions: it is shown, and written to a file.
  return Math.round(Math.min(MAX_VOLUME, Math.max(0, now + by)) * 100) / 100;
}

function neighbour(
  calls: readonly { readonly id: string }[],
  focused: string | undefined,
  by: 1 | -1,
): string | undefined {
  if (calls.length === 0) return undefined;
  const index = calls.findIndex(({ id }) => id === focused);
  return calls[(index + by + calls.length) % calls.length]?.id;
}

/** The time, once a second while something runs down or up; else no timer at all. */
function useNow(running: boolean, clock: () => number): number {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [running]);
  return clock();
}
