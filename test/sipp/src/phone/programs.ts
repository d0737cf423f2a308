import { shipped } from '../../../../common/test/shipped.ts';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** `offhook`, see `shipped`. */
export function guestProgram(args: readonly string[]): Program {
  return program('offhook', args);
}

/** `offhook-engine`, likewise. */
export function engineProgram(args: readonly string[]): Program {
  return program('offhook-engine', args);
}

function program(name: Parameters<typeof shipped>[0], args: readonly string[]): Program {
  return {
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', shipped(name), ...args],
  };
}
