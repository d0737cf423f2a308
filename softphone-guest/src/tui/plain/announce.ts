import { printable } from '@offhook/common/printable';
import type { LampInfo } from '../../control/presence-schemas.ts';
import type { CallInfo } from '../../control/schemas.ts';
import { recordingWords } from '../../text/words.ts';
import type { PhoneState } from '../state.ts';
import { party, texts } from '../texts.ts';

/** Pure: what has changed, in sentences of their own, for people who hear the screen. */
export function announcements(before: PhoneState, after: PhoneState): readonly string[] {
  return [
    ...daemonWords(before, after),
    ...after.accounts
      .filter((account) => {
        const was = before.accounts.find(({ aor }) => aor === account.aor);
        return was?.state !== account.state && account.state !== 'registering';
      })
      .map(
        ({ aor, state, reason }) =>
          `${aor.replace(/^sips?:/i, '')} ${texts.accountState[state]}${state === 'failed' && reason !== null ? `: ${printable(reason)}` : ''}`,
      ),
    ...(after.engine !== undefined && after.engine.text !== before.engine?.text
      ? [printable(after.engine.text)]
      : []),
    ...(after.handset.desk !== null && after.handset.desk.text !== before.handset.desk?.text
      ? [printable(after.handset.desk.text)]
      : []),
    ...(after.handset.mode === before.handset.mode
      ? []
      : [texts.plain.handset(after.handset.mode)]),
    ...after.calls.flatMap((call) =>
      callWords(
        before.calls.find(({ id }) => id === call.id),
        call,
      ),
    ),
    ...after.lamps.flatMap((lamp) => lampWords(before.lamps, lamp)),
    ...(after.notice !== undefined && after.notice !== before.notice
      ? [printable(after.notice.text)]
      : []),
    ...(after.doNotDisturb === before.doNotDisturb
      ? []
      : [texts.plain.disturb(after.doNotDisturb)]),
  ];
}

function daemonWords(before: PhoneState, { daemon }: PhoneState): readonly string[] {
  if (daemon.state === before.daemon.state) return [];
  if (daemon.state === 'connecting') return [texts.connecting];
  return [daemon.state === 'lost' ? texts.lost(daemon.reason) : texts.plain.connected];
}

/** A phone that begins to ring may be picked up; the rest is for whoever asks. */
function lampWords(before: PhoneState['lamps'], lamp: LampInfo): readonly string[] {
  const was = before.find(({ target }) => target === lamp.target)?.state;
  if (lamp.state !== 'ringing' || was === undefined || was === 'ringing') return [];
  return [texts.plain.lampRings(printable(lamp.name ?? lamp.target.replace(/^sips?:/i, '')))];
}

function callWords(before: CallInfo | undefined, call: CallInfo): readonly string[] {
  const who = call.at === 'desk' ? `${party(call)} ${texts.atDesk}` : party(call);
  if (call.state === 'incoming') {
    return before?.state === 'incoming' ? [] : [texts.plain.incoming(who)];
  }
  const words = [
    ...(before?.state === call.state ? [] : [texts.callState[call.state]]),
    ...changed(before?.held, call.held, texts.held, texts.plain.resumed),
    ...changed(before?.remoteHeld, call.remoteHeld, texts.remoteHeld, texts.plain.remoteResumed),
    ...changed(before?.muted, call.muted, texts.muted, texts.plain.unmuted),
    ...changed(before?.locallyMuted, call.locallyMuted, texts.locallyMuted, texts.plain.unmuted),
    ...recordingChange(before, call),
    ...(call.transfer === null || call.transfer.reason === before?.transfer?.reason
      ? []
      : [texts.transferring(call.transfer)]),
  ];
  return words.length === 0 ? [] : [`${who}: ${words.join(', ')}`];
}

function recordingChange(before: CallInfo | undefined, call: CallInfo): readonly string[] {
  const was = before?.recording ?? null;
  if (was === call.recording) return [];
  if (call.recording === 'paused') return [texts.plain.recordingPaused];
  if (call.recording === 'recording') return [texts.plain.recorded];
  const why = recordingWords(call);
  return why.length === 0 ? [texts.plain.notRecorded] : why;
}

function changed(before: boolean | undefined, now: boolean, on: string, off: string): string[] {
  if ((before ?? false) === now) return [];
  return [now ? on : off];
}
