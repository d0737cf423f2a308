import type { AudioDevice, AudioRole } from '@offhook/media-rpc';
import type { EngineCall, EngineStatus } from '../control/api.ts';

/** What the screen shows. */
export interface EngineView {
  /** Undefined until the engine has answered for the first time. */
  readonly status: EngineStatus | undefined;
  readonly calls: readonly EngineCall[];
  readonly devices: readonly AudioDevice[];
  /** Why the engine does not answer; undefined while it does. */
  readonly lost: string | undefined;
  /** What the last command came to, if that has to be said. */
  readonly notice: string | undefined;
}

export const initialView: EngineView = {
  status: undefined,
  calls: [],
  devices: [],
  lost: undefined,
  notice: undefined,
};

/** What the person can have done; each returns at once. */
export interface EngineActions {
  readonly hangup: (call: string) => void;
  readonly mute: (call: string, muted: boolean) => void;
  /** Of every call: somebody who wants not to be heard means everybody. */
  readonly muteAll: (muted: boolean) => void;
  readonly take: (call: string) => void;
  readonly stopRecording: (call: string) => void;
  readonly select: (role: AudioRole, device: string) => void;
  readonly volume: (role: AudioRole, volume: number) => void;
  readonly dismiss: () => void;
}

/** The call that keys act on: the chosen one, else the one with the microphone, else the first. */
export function focusOf(
  calls: readonly EngineCall[],
  chosen: string | undefined,
): EngineCall | undefined {
  return (
    calls.find(({ id }) => id === chosen) ?? calls.find(({ microphone }) => microphone) ?? calls[0]
  );
}
