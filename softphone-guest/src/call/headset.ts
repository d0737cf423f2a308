import { describeError, type Logger } from '@offhook/common';
import type { HeadsetButton } from '@offhook/media-rpc';
import type { CallManager } from './call-manager.ts';
import type { CallSession } from './call-session.ts';
import { isActive, isOver } from './model.ts';

/**
 * What a button at the headset means for the calls of this phone: the call that rings longest is taken
 * before one that is talked on is ended, and then those that are talked on (a conference as a whole) or
 * placed are ended; with nothing else, the only held call is taken up again.
 */
export async function pressHeadset(
  button: HeadsetButton,
  manager: CallManager,
  logger: Logger,
): Promise<void> {
  const calls = manager.list();
  const [ringing] = calls.filter(({ call }) => call.phase === 'incoming');
  const current = calls.filter(isCurrent);
  try {
    if (button === 'mute') mute(calls.filter(({ call }) => isActive(call)));
    else if (button !== 'hangup' && ringing !== undefined) await manager.answer(ringing.id);
    else if (button !== 'pickup' && current.length > 0) {
      await Promise.all(current.map((session) => session.hangup()));
    } else if (button === 'hangup') ringing?.input({ type: 'reject', status: 486 });
    else await resume(calls, manager);
  } catch (error) {
    logger.warn({ button, reason: describeError(error) }, 'the headset button did nothing');
  }
}

/** Talked on, or on its way to that. */
function isCurrent({ call }: CallSession): boolean {
  return call.phase !== 'incoming' && !isOver(call) && !call.hold.wanted;
}

function mute(sessions: readonly CallSession[]): void {
  const muted = sessions.some(({ call }) => !call.muted);
  for (const session of sessions) session.input({ type: 'mute', muted });
}

async function resume(calls: readonly CallSession[], manager: CallManager): Promise<void> {
  const held = calls.filter(({ call }) => call.phase === 'established' && call.hold.wanted);
  const [only] = held;
  if (only !== undefined && held.length === 1) await manager.resume(only.id);
}
