import type { WatchedDialog } from '@offhook/signaling/documents';

/** What a lamp shows of them. */
export function lampOf(dialogs: readonly WatchedDialog[]): 'free' | 'ringing' | 'busy' {
  if (dialogs.some(({ state }) => state === 'confirmed')) return 'busy';
  if (dialogs.some(rings)) return 'ringing';
  return dialogs.length > 0 ? 'busy' : 'free';
}

/** A call that could be picked up: it rings there, and is taken nowhere yet. */
export function rings({ state, direction }: WatchedDialog): boolean {
  return state === 'early' && direction !== 'initiator';
}
