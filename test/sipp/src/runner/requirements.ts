import { dialogRequirements } from './dialog-requirements.ts';
import { mediaRequirements } from './media-requirements.ts';
import { signalingRequirements } from './signaling-requirements.ts';

/**
 * What the phone is held to, as data: every scenario cites the ids that it proves, and the run
 * fails on an id that nothing cites or that is not here.
 */
export const requirements = {
  ...signalingRequirements,
  ...dialogRequirements,
  ...mediaRequirements,
} as const;

export type RequirementId = keyof typeof requirements;
