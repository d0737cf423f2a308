import { z } from 'zod';

/** What the settings of every kind of PBX have in common. */

export const pbxName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a short lower-case name')
  .describe('Name of the PBX; ids of calls begin with it');

export const deviceId = z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be printable without spaces');
