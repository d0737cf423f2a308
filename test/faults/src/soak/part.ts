import type { Part } from '../row.ts';
import { soak, type SoakOptions } from './soak.ts';

/** Starting things again, and looking at all of them, takes its time. */
const MS_PER_FAULT = 5000;
const START_MS = 60_000;

/** A soak as one more part, so that it is run and reported as the others are. */
export function soakPart(options: SoakOptions): Part {
  return {
    row: 'soak',
    name: `${options.faults}`,
    what: `${options.faults} random faults with ${options.calls} calls up`,
    target: {},
    deadline: START_MS + MS_PER_FAULT * options.faults,
    core: false,
    inTable: false,
    async run(context) {
      const report = await soak(context, options);
      context.say(`soak: ${JSON.stringify(report)}`);
      return { survived: true, detail: { ...report } };
    },
  };
}
