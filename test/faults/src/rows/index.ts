import type { Part } from '../row.ts';
import { desktopParts } from './desktop.ts';
import { deviceParts } from './devices.ts';
import { engineParts } from './engine.ts';
import { goneParts } from './gone.ts';
import { guestParts } from './guest.ts';
import { lossParts } from './loss.ts';
import { pbxParts } from './pbx.ts';
import { registrarParts } from './registrar.ts';
import { roamParts } from './roam.ts';
import { skewParts } from './skew.ts';
import { workerParts } from './worker.ts';

/** Every way in which the table's rows are tried. */
export const parts: readonly Part[] = [
  ...engineParts,
  ...guestParts,
  ...workerParts,
  ...registrarParts,
  ...pbxParts,
  ...deviceParts,
  ...lossParts,
  ...goneParts,
  ...roamParts,
  ...desktopParts,
  ...skewParts,
];
