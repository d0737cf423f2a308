import { describeError, isOffhookError, OffhookError, type Logger } from '@offhook/common';
import type { SessionState } from '@offhook/media-rpc';
import type { CallMedia } from './call-media.ts';
import type { CallSession } from './call-session.ts';
import type { Call } from './model.ts';
import { wishOf, type RecordingAction } from './recordings.ts';

/** Resolves when the engine has done it; rejects with why it does not. */
export async function recordMedia(
  media: CallMedia,
  call: Call,
  action: RecordingAction,
): Promise<SessionState> {
  const state = wishOf(call, action);
  const direction = call.direction === 'incoming' ? 'in' : 'out';
  try {
    return await media.port.call('session.record', { id: media.id, state, direction });
  } catch (error) {
    if (!isOffhookError(error, 'unknown-method')) throw error;
    throw new OffhookError('engine', 'not-supported', 'the thin client cannot record calls', {
      cause: error,
      remedy: 'update Offhook there',
    });
  }
}

/**
 * A call that has just been taken is recorded where its account is to be; a thin client that does not
 * allow it stands in no call's way.
 */
export function recordByItself(session: CallSession, before: Call, logger: Logger): void {
  const { account, call, id } = session;
  if (!account.record || call.phase !== 'established' || before.phase === 'established') return;
  session.recordAudio('start').catch((error: unknown) => {
    logger.warn({ call: id, reason: describeError(error) }, 'the call is not recorded');
  });
}
