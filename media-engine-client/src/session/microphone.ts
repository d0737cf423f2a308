import type { MediaSession } from './machine.ts';

/**
 * One microphone and one speaker for several calls, perhaps of several desktops: the call that the
 * person took last is live. The others send silence and are not heard, until the live one ends or
 * is put on hold, or they are taken again. Two conversations are never mixed unawares.
 */

/** Whether the call would use microphone and speaker if it were alone: a held one does not. */
function speaks({ inForce, hungUp, wanted }: MediaSession): boolean {
  return inForce !== undefined && !hungUp && (wanted === 'sendrecv' || wanted === 'recvonly');
}

/** Whether two sessions are parts of one conversation, which has the devices as a whole. */
export function together(a: Conferee, b: Conferee): boolean {
  return (
    a === b ||
    (a.data.conference !== undefined &&
      a.data.conference === b.data.conference &&
      a.guest.instance === b.guest.instance)
  );
}

interface Conferee {
  readonly data: MediaSession;
  readonly guest: { readonly instance: string };
}

/** The one that is live; undefined when none uses the devices. */
export function liveSession<S extends { readonly data: MediaSession }>(
  sessions: Iterable<S>,
): S | undefined {
  let live: S | undefined;
  for (const session of sessions) {
    if (!speaks(session.data)) continue;
    if (live === undefined || session.data.taken > live.data.taken) live = session;
  }
  return live;
}

/** Whether a device is one that people share, and not a file, a tone or nothing. */
export function isShared(device: string): boolean {
  return device === 'default' || device.startsWith('pulse:') || device.startsWith('alsa:');
}
