export { outcomeLine, rowFigures } from './figures.ts';
export type { RowFigure } from './figures.ts';
export { parts } from './rows/index.ts';
export { runPart } from './run-part.ts';
export type { Outcome } from './run-part.ts';
