import type { Output } from '@offhook/common/cli';

/** How a command gets to its bridge, and where its answer goes. */
export interface Reach {
  readonly url: string;
  readonly token: string;
  readonly json: boolean;
  readonly output: Output;
}
