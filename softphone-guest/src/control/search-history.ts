import type { HistoryEntry } from '../call/history.ts';
import type { ControlParams } from './api.ts';
import { describeCall } from './info.ts';
import type { CallInfo } from './schemas.ts';

/** The entries that fit, in their order. */
export function searchHistory(
  entries: readonly HistoryEntry[],
  { limit, query, missed, since }: ControlParams<'history.list'>,
): CallInfo[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const earliest = since === undefined ? 0 : Date.parse(since);
  const found: CallInfo[] = [];
  for (const { call, stats } of entries) {
    if (found.length >= limit) break;
    const info = describeCall(call, stats);
    if (missed && (info.direction !== 'incoming' || info.answeredAt !== null)) continue;
    if (Date.parse(info.startedAt) < earliest) continue;
    if (words.every((word) => has(info, word))) found.push(info);
  }
  return found;
}

function has({ remote, remoteName, contact, account }: CallInfo, word: string): boolean {
  const texts = [remote, remoteName ?? '', contact ?? '', account];
  if (texts.some((text) => text.toLowerCase().includes(word))) return true;
  // However the number is written.
  const digits = word.replaceAll(/[\s()./-]/g, '');
  return /^\+?\d{3,}$/.test(digits) && remote.replaceAll(/[^\d+]/g, '').includes(digits);
}
