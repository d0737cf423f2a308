import { civicAddress } from '@offhook/media-rpc/location';
import { z } from 'zod';

const degrees = (most: number) => z.number().min(-most).max(most);

/** A place, as it stands in `[location]`, in its file, and on the output of its command. */
const place = {
  civic: civicAddress
    .optional()
    .describe(
      'Address by civic elements (RFC 4119, RFC 5139): `{ country = "DE", A3 = "Berlin", RD = "Unter den Linden", HNO = "1", FLR = "3" }`',
    ),
  latitude: degrees(90).optional().describe('Degrees, WGS 84'),
  longitude: degrees(180).optional().describe('Degrees, WGS 84'),
  altitude: z.number().min(-10_000).max(100_000).optional().describe('Metres'),
  radius: z.number().min(0).max(10_000_000).optional().describe('Metres of uncertainty'),
  method: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,32}$/, 'must be a method token such as Manual or DHCP')
    .optional()
    .describe('How the place was found (RFC 4119): `Manual`, `DHCP`, `GPS` …'),
};

function isWhole({ latitude, longitude }: { latitude?: unknown; longitude?: unknown }): boolean {
  return (latitude === undefined) === (longitude === undefined);
}

const whole = { message: 'latitude and longitude go together', path: ['latitude'] };

/** What a file or a command of IT's says. */
export const placeDocument = z.object(place).refine(isWhole, whole);
export type PlaceDocument = z.output<typeof placeDocument>;

/** `[location]`. */
export const location = z
  .object({
    ...place,
    file: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('File that says the place with these keys, TOML or JSON; it is looked at again'),
    command: z
      .array(z.string().max(4096))
      .min(1)
      .max(64)
      .optional()
      .describe('Program and arguments that print the place in this way, without a shell'),
    interval: z
      .int()
      .min(5)
      .max(86_400)
      .default(300)
      .describe('Seconds after which file or command are asked again'),
    max_age: z
      .int()
      .min(1)
      .max(31_536_000)
      .default(86_400)
      .describe('Seconds after which what they have said is told as out of date'),
  })
  .refine(isWhole, whole)
  .refine((value) => value.file === undefined || value.command === undefined, {
    message: 'either file or command',
    path: ['command'],
  })
  .prefault({})
  .describe('Where this thin client is: what emergency calls from here say');

export type LocationConfig = z.output<typeof location>;
