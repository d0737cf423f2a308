import type { SessionStats } from '@offhook/media-rpc';
import type { EngineLine } from '../engine-line.ts';
import type { CallSession } from './call-session.ts';

export interface Hearing {
  /** The call of a media session. */
  readonly find: (session: string) => CallSession | undefined;
  readonly dtmf: (event: { call: string; digit: string; durationMs: number }) => void;
  /** There is an engine (again). */
  readonly connected: () => void;
}

/** Takes what an engine tells of media sessions to their calls. */
export function hearEngine(line: EngineLine, { find, dtmf, connected }: Hearing): void {
  line.on('session.changed', (state) => find(state.id)?.onMediaState(state));
  line.on('session.stats', (stats: SessionStats) => {
    const session = find(stats.id);
    if (session !== undefined) session.lastStats = stats;
  });
  line.on('session.dtmf', ({ id, digit, durationMs }) => {
    const session = find(id);
    if (session !== undefined) dtmf({ call: session.id, digit, durationMs });
  });
  line.on('session.rtpTimeout', ({ id, silentMs }) =>
    find(id)?.input({ type: 'media-silent', silentMs }),
  );
  line.on('session.renegotiate', ({ id }) => find(id)?.input({ type: 'media-stale' }));
  line.on('session.hangup', ({ id }) => find(id)?.input({ type: 'media-hangup' }));
  line.on('adopted', (state) => find(state.id)?.onMediaState(state));
  line.on('stale', (state) => {
    const session = find(state.id);
    session?.media.adoptRevision(state.revision);
    session?.input({ type: 'media-stale' });
  });
  line.on('lost', ({ id }) => find(id)?.input({ type: 'media-lost' }));
  line.on('status', ({ state }) => {
    if (state === 'connected') connected();
  });
}
