import { OffhookError } from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import type { ControlInput } from '../control/api.ts';
import { withDaemon } from '../control/client.ts';
import type { SettingsInfo } from '../control/schemas.ts';
import { modeText, settingsText } from '../text/words.ts';
import { printCall, printCalls, type Context } from './call-commands.ts';

/** Longer than any deadline of the daemon's own. */
const DEADLINE_MS = 60_000;

type OneCallMethod =
  | 'call.redirect'
  | 'call.redial'
  | 'call.swap'
  | 'call.leave'
  | 'call.transfer'
  | 'call.move'
  | 'call.park'
  | 'call.pickup'
  | 'call.retrieve';

/** Runs a method whose result is a call, and prints that. */
export async function oneCall<M extends OneCallMethod>(
  context: Context,
  method: M,
  params: ControlInput<M>,
): Promise<void> {
  const { wait = 0 } = params as { wait?: number };
  const call = await withDaemon(context.paths, (daemon) =>
    daemon.call(method, params, { timeoutMs: DEADLINE_MS + wait }),
  );
  printCall(context, call);
}

/** `transfer TARGET`, `transfer CALL TARGET`, or `transfer CALL --to OTHER`. */
export async function transfer(
  context: Context,
  words: readonly string[],
  options: { to?: string; wait?: number },
): Promise<void> {
  const [first, second] = words;
  const { to: other, wait } = options;
  if (
    words.length > (other === undefined ? 2 : 1) ||
    (first === undefined && other === undefined)
  ) {
    throw new OffhookError('control', 'invalid-params', 'say [call] target, or [call] --to other');
  }
  const params: ControlInput<'call.transfer'> = {
    ...(wait !== undefined && { wait }),
    ...(other !== undefined
      ? { other, ...(first !== undefined && { call: first }) }
      : second === undefined
        ? { target: first }
        : { call: first, target: second }),
  };
  await oneCall(context, 'call.transfer', params);
}

export async function join(context: Context, calls: readonly string[]): Promise<void> {
  const result = await withDaemon(context.paths, (daemon) =>
    daemon.call('call.join', { calls: [...calls] }, { timeoutMs: DEADLINE_MS }),
  );
  printCalls(context, result.calls);
}

export async function doNotDisturb(context: Context, on: boolean | undefined): Promise<void> {
  const settings = await withDaemon(context.paths, (daemon) =>
    on === undefined
      ? daemon.call('settings.get', {})
      : daemon.call('settings.doNotDisturb', { on }),
  );
  printSettings(context, settings);
}

export async function forward(
  context: Context,
  params: ControlInput<'settings.forward'> | undefined,
): Promise<void> {
  const settings = await withDaemon(context.paths, (daemon) =>
    params === undefined
      ? daemon.call('settings.get', {})
      : daemon.call('settings.forward', params),
  );
  printSettings(context, settings);
}

export async function mode(context: Context, wanted: 'soft' | 'desk' | undefined): Promise<void> {
  const info = await withDaemon(context.paths, (daemon) =>
    wanted === undefined ? daemon.call('mode.get', {}) : daemon.call('mode.set', { mode: wanted }),
  );
  if (context.json) printJson(context.output, info);
  else context.output.out(modeText(info));
}

function printSettings({ json, output }: Context, settings: SettingsInfo): void {
  if (json) printJson(output, settings);
  else output.out(settingsText(settings));
}
