import { z } from 'zod';

/** `[desktop]`. */
export const desktop = z
  .object({
    dbus: z
      .boolean()
      .default(true)
      .describe('Whether programs of the desktop can dial and see calls: `org.offhook.Phone1`'),
    pause_players: z
      .boolean()
      .default(true)
      .describe('Whether players (MPRIS) that play are paused while a call is up'),
    notify: z
      .boolean()
      .default(true)
      .describe('Whether calls that ring are shown as notifications, with Answer and Reject'),
  })
  .prefault({})
  .describe('What the phone does on the session bus of the desktop, where there is one');
