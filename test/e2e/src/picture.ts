import { open } from 'node:fs/promises';

/** What the guest fills its screen with (the colours of VGA text), by the channel that stands out. */
export type Colour = 'red' | 'green' | 'blue';

/** Every so many points one is looked at. */
const STEP = 64;
/** Of all points looked at, for a colour to fill the screen: the desktop is smaller than the X screen. */
const SHARE = 0.1;

/**
 * The colour that a good part of an X screen has, read from the file of Xvfb's `-fbdir` (XWD, see
 * X11/XWDFile.h: 25 words big-endian, then the window's name, 12 bytes a colour, and the points).
 */
export async function colourOf(file: string): Promise<Colour | undefined> {
  const picture = await open(file);
  try {
    const head = Buffer.alloc(100);
    await picture.read(head, 0, head.length, 0);
    const word = (index: number) => head.readUInt32BE(4 * index);
    const [headBytes, height, byteOrder, bits, lineBytes, colours] = [0, 5, 7, 11, 12, 19].map(
      word,
    );
    if (byteOrder !== 0 || bits !== 32) throw new Error('the X screen has no 32-bit points');
    const points = Buffer.alloc((height ?? 0) * (lineBytes ?? 0));
    await picture.read(points, 0, points.length, (headBytes ?? 0) + 12 * (colours ?? 0));
    return dominating(points);
  } finally {
    await picture.close();
  }
}

function dominating(points: Buffer): Colour | undefined {
  const counts = { red: 0, green: 0, blue: 0 };
  let looked = 0;
  for (let at = 0; at + 4 <= points.length; at += 4 * STEP) {
    const [blue = 0, green = 0, red = 0] = points.subarray(at, at + 3);
    looked += 1;
    if (stands(red, green, blue)) counts.red += 1;
    else if (stands(green, red, blue)) counts.green += 1;
    else if (stands(blue, red, green)) counts.blue += 1;
  }
  const names = Object.keys(counts) as Colour[];
  return names.find((name) => counts[name] >= SHARE * looked);
}

/** A compressed picture is not exact. */
function stands(one: number, ...others: readonly number[]): boolean {
  return one > 120 && others.every((other) => other < 50);
}
