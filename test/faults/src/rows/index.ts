import type { Part } from '../row.ts';
import { engineParts } from './engine.ts';
import { workerParts } from './worker.ts';

/** Every way in which the table's rows are tried. */
export const parts: readonly Part[] = [...engineParts, ...workerParts];
