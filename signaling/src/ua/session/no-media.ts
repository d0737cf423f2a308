import { OffhookError } from '@offhook/common';
import type { SdpAgent } from '../../api.ts';

const refuse = (): Promise<never> =>
  Promise.reject(new OffhookError('signaling', 'invalid-sdp', 'this session has no media'));

/** The agent of a session without media: it refuses every description. */
export const noMedia: SdpAgent = {
  createOffer: refuse,
  createAnswer: refuse,
  acceptAnswer: refuse,
  rollback: () => Promise.resolve(),
};
