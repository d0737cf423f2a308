import { describeMedia } from '../../src/control/info.ts';
import type { CallInfo } from '../../src/control/schemas.ts';

export function callInfo(more: Partial<CallInfo> = {}): CallInfo {
  return {
    id: 'c1',
    at: 'soft',
    sipCallId: 'c1@example.com',
    account: 'sip:alice@example.net',
    direction: 'outgoing',
    state: 'established',
    remote: 'sip:bob@example.com',
    remoteName: null,
    contact: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    answeredAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    held: false,
    remoteHeld: false,
    muted: false,
    locallyMuted: false,
    silentMs: 0,
    end: null,
    transfer: null,
    conference: null,
    referredBy: null,
    recording: null,
    recordings: [],
    media: describeMedia(undefined),
    ...more,
  };
}
