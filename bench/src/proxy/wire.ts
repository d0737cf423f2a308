/** Messages of the display channel of these measurements; the numbers are not SPICE's. */

/** u32 bytes, u32 bytes a second: the server sends so many of them. */
export const POUR = 301;
/** The server sends the same back. */
export const ECHO = 302;

export const COMMON_NAME = 'Offhook bench';

export interface ServerPlace {
  readonly port: number;
  readonly tlsPort: number;
  readonly ca: string;
}
