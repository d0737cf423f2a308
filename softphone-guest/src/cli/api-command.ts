import { controlApiSchema } from '../control/json-schema.ts';
import type { Context } from './call-commands.ts';

/** The JSON Schema of the control socket; needs no daemon. */
export function api({ output }: Context): void {
  output.out(`${JSON.stringify(controlApiSchema(), null, 2)}\n`);
}
