import type { Headers, HeaderPair } from '../message/headers.ts';

export interface AuthorizedRequest {
  readonly method: string;
  readonly uri: string;
  readonly body: string;
}

/** Answers digest challenges (RFC 3261 §22, RFC 8760) for one account. */
export interface Authorizer {
  /** Undefined when there is nothing to answer with: no credentials, or these were refused. */
  answer(
    challenge: Headers,
    request: AuthorizedRequest,
  ): Promise<readonly HeaderPair[] | undefined>;
}
