import { OffhookError, type ControlClient } from '@offhook/common';
import type { SimSwitch } from '@offhook/cti-bridge/simulator';
import {
  controlMethods,
  type ControlInput,
  type ControlMethodName,
  type ControlResult,
} from '@offhook/softphone-guest';
import { openScene } from '../scene/scene.ts';

const DIGITS = '12#';

/** What the phones of the simulated switch were seen to do; the last line of the headless demo. */
export interface DeskReport {
  readonly mode: string;
  readonly at: string;
  readonly answered: boolean;
  /** The desk phone's own line, while the softphone was told to hold, and after it was told to resume. */
  readonly held: boolean;
  readonly resumed: boolean;
  /** As they came to the far end. */
  readonly digits: string;
  readonly ended: boolean;
  /** Where the history says that the call was. */
  readonly history: string | null;
}

/** Calls bob from the desk phone by the softphone's commands, and looks at both phones; true if all is right. */
export async function runDeskHeadless(signal: AbortSignal): Promise<boolean> {
  const say = (line: string) => console.log(line);
  const scene = await openScene({
    input: 'tone:440',
    record: false,
    desk: true,
    report: say,
    signal,
  });
  let report: DeskReport;
  try {
    if (scene.switch === undefined) throw new OffhookError('system', 'no-switch', 'no switch');
    report = await callBob(scene.control, scene.switch, say);
  } finally {
    await scene.close();
  }
  const right = isRight(report);
  say(right ? 'the call was good' : 'the call was NOT as it should be');
  console.log(JSON.stringify(report));
  return right;
}

async function callBob(
  control: ControlClient,
  sim: SimSwitch,
  say: (line: string) => void,
): Promise<DeskReport> {
  const ask = async <M extends ControlMethodName>(
    method: M,
    params: ControlInput<M>,
  ): Promise<ControlResult<M>> => {
    const { result } = controlMethods[method];
    const options = { result, timeoutMs: 12_000 };
    return (await control.call(method, params, options)) as ControlResult<M>;
  };
  const [alice, bob] = [sim.phones['alice'], sim.phones['bob']];
  const { mode } = await ask('mode.get', {});
  say('dialling bob at the desk phone');
  const call = await ask('call.dial', { target: 'bob', wait: 10_000 });
  const answered = bob?.legs[0]?.state === 'up';
  say(`answered by ${call.remote}`);
  await ask('call.hold', { call: call.id });
  const held = alice?.legs[0]?.state === 'held';
  await ask('call.resume', { call: call.id });
  const resumed = alice?.legs[0]?.state === 'up';
  say(held && resumed ? 'held, and taken up again' : 'NOT held and taken up again');
  await ask('call.dtmf', { call: call.id, digits: DIGITS });
  const digits = bob?.digits.join('') ?? '';
  say(`bob was sent ${digits}`);
  await ask('call.hangup', { call: call.id });
  const ended = alice?.legs.length === 0 && bob?.legs.length === 0;
  say('hung up');
  const { calls } = await ask('history.list', { limit: 1 });
  return {
    mode,
    at: call.at,
    answered,
    held,
    resumed,
    digits,
    ended,
    history: calls[0]?.at ?? null,
  };
}

function isRight(report: DeskReport): boolean {
  return (
    report.mode === 'desk' &&
    report.at === 'desk' &&
    report.answered &&
    report.held &&
    report.resumed &&
    report.digits === DIGITS &&
    report.ended &&
    report.history === 'desk'
  );
}
