import { describeError, type Logger } from '@offhook/common';
import type { AudioRole } from '@offhook/media-rpc';
import type { Devices } from '../devices.ts';
import type { GuestEngine } from '../guest-engine.ts';
import type { Sessions } from '../session/sessions.ts';
import type { Button } from './button.ts';

export interface Desk {
  readonly sessions: Sessions;
  readonly devices: Devices;
  /** The guests' connections. */
  readonly views: ReadonlySet<GuestEngine>;
  /** `[headset] volume` */
  readonly volume: boolean;
  readonly logger: Logger;
}

/** Of a volume key: a tenth of unity, up to +6 dB. */
const STEP = 0.1;
const LOUDEST = 2;

/**
 * What a button at the headset does. Which call is meant, a phone knows best, so the button goes to
 * the guest whose phone rings, or else to the one whose call is heard. Where that guest is away, or too
 * old to know of buttons, the engine hangs up and mutes by itself: the person must be able to.
 */
export function press(button: Button, desk: Desk): void {
  const done = act(button, desk);
  done?.catch((error: unknown) =>
    desk.logger.warn({ button, reason: describeError(error) }, 'the button did nothing'),
  );
}

function act(button: Button, desk: Desk): Promise<unknown> | undefined {
  const { sessions } = desk;
  if (button === 'volume-up' || button === 'volume-down') return changeVolume(button, desk);
  const running = sessions.table.all.filter((session) => session.hasAudio);
  const muted = running.filter(({ data }) => data.locallyMuted);
  if (button === 'mute' && muted.length > 0) {
    return Promise.all(muted.map((one) => sessions.mute(one, { locallyMuted: false })));
  }
  const views = [...desk.views].filter((view) => view.takesButtons);
  const ringing = button === 'mute' ? undefined : views.find((view) => view.rings);
  const live = running.filter((session) => !session.background);
  const [first] = live;
  const guest =
    ringing ??
    (first === undefined
      ? views.find((view) => view.used)
      : views.find((view) => view.guest.instance === first.guest.instance));
  if (guest !== undefined) {
    guest.emit('headset.button', { button });
    return undefined;
  }
  if (button === 'mute') {
    return Promise.all(running.map((one) => sessions.mute(one, { locallyMuted: true })));
  }
  return button === 'pickup' ? undefined : Promise.all(live.map((one) => sessions.hangUp(one)));
}

/** Of what is heard: the ring as long as it rings and nobody talks. */
function changeVolume(button: 'volume-up' | 'volume-down', desk: Desk): Promise<void> | undefined {
  const { devices, sessions, views } = desk;
  if (!desk.volume) return undefined;
  const rings = [...views].some((view) => view.rings);
  const talks = sessions.table.all.some((session) => session.hasAudio);
  const role: AudioRole = rings && !talks ? 'ringer' : 'output';
  const volume = devices.volume(role) + (button === 'volume-up' ? STEP : -STEP);
  const next = Math.min(LOUDEST, Math.max(0, Math.round(volume * 10) / 10));
  return devices.setVolume(role, next, 'person');
}
