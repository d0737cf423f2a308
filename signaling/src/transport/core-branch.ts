import { randomBytes } from 'node:crypto';
import { Core } from 'sip.js';
import { MAGIC_COOKIE } from './via.ts';

interface BranchMaker {
  makeId(request: { readonly method: string; readonly branch?: string }): string;
}

let done = false;

/**
 * sip.js keys its client transactions by branches of which it has 10^7: at some thousand live
 * transactions two of them meet. From here on they have 160 random bits. Idempotent.
 */
export function lengthenBranches(): void {
  if (done) return;
  done = true;
  const maker = Core.ClientTransaction as unknown as BranchMaker;
  const short = maker.makeId.bind(maker);
  maker.makeId = (request) =>
    request.method === 'CANCEL'
      ? short(request)
      : `${MAGIC_COOKIE}${randomBytes(20).toString('hex')}`;
}
