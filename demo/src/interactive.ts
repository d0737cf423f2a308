import { spawn } from 'node:child_process';

import { exited, OffhookError, type ControlClient } from '@offhook/common';
import { controlMethods } from '@offhook/softphone-guest';

import { openScene } from './scene/scene.ts';

/** Opens the phone's user interface on this terminal; true when the person has left it. */
export async function runInteractive(
  signal: AbortSignal,
  { desk }: { desk: boolean },
): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new OffhookError('system', 'no-terminal', 'the user interface needs a terminal', {
      remedy: 'run it on one, or use npm start -- --headless',
    });
  }
  const say = (line: string) => console.log(line);
  const scene = await openScene({ input: 'tone:440', record: false, desk, report: say, signal });
  try {
    const heard = await useSoundCard(scene.control);
    say(heard ? 'using the default sound card' : 'no sound card: a tone of 440 Hz speaks for you');
    const { file, args } = scene.phone;
    const screen = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
    signal.addEventListener('abort', () => screen.kill('SIGTERM'), { once: true });
    const { code } = await exited(screen);
    return code === 0;
  } finally {
    await scene.close();
  }
}

/** Switches the thin client to its default devices if it has both a microphone and a speaker. */
async function useSoundCard(control: ControlClient): Promise<boolean> {
  const { result } = controlMethods['devices.list'];
  const { devices } = await control.call('devices.list', {}, { result });
  const roles = ['input', 'output'] as const;
  const isThere = roles.every((role) =>
    devices.some(({ id, present, roles: its }) => {
      return present && its.includes(role) && /^(?:pulse|alsa):/.test(id);
    }),
  );
  if (!isThere) return false;
  for (const role of roles) await control.call('devices.select', { role, id: 'default' });
  return true;
}
