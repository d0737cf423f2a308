import type { HeaderPair, Headers } from '../message/headers.ts';
import { param, parseParams } from '../message/lexer.ts';

/** RFC 4028 §5: the least that anybody may ask for, in seconds. */
const LEAST_SESSION_INTERVAL = 90;

export interface SessionTimerConfig {
  /** Seconds. */
  readonly expires: number;
  readonly minSE: number;
  readonly refresher: 'uac' | 'uas' | 'auto';
}

export interface SessionInterval {
  /** Seconds until the session ends unless it is refreshed. */
  readonly interval: number;
  /** Whether we are the one who refreshes it. */
  readonly weRefresh: boolean;
}

export interface SessionExpires {
  readonly interval: number;
  readonly refresher?: 'uac' | 'uas';
}

function parseSessionExpires(headers: Headers): SessionExpires | undefined {
  const value = headers.get('session-expires');
  const match = /^(\d{1,9})\s*(?:;(.*))?$/s.exec(value ?? '');
  if (match === null) return undefined;
  const refresher = param(parseParams(match[2] ?? ''), 'refresher')?.toLowerCase();
  return {
    interval: Number(match[1]),
    ...((refresher === 'uac' || refresher === 'uas') && { refresher }),
  };
}

/** Seconds of Min-SE, or the least interval of the RFC. */
export function parseMinSE(headers: Headers): number {
  const match = /^(\d{1,9})\b/.exec(headers.get('min-se') ?? '');
  return match === null
    ? LEAST_SESSION_INTERVAL
    : Math.max(Number(match[1]), LEAST_SESSION_INTERVAL);
}

/** What an INVITE or UPDATE of ours asks for; `current` keeps the roles in a refresh (§7.4). */
export function requestTimerHeaders(
  config: SessionTimerConfig,
  options: { readonly minSE?: number; readonly current?: SessionInterval } = {},
): HeaderPair[] {
  const minSE = Math.max(config.minSE, options.minSE ?? 0);
  const interval = Math.max(options.current?.interval ?? config.expires, minSE);
  let refresher = config.refresher === 'auto' ? '' : `;refresher=${config.refresher}`;
  if (options.current !== undefined) {
    refresher = `;refresher=${options.current.weRefresh ? 'uac' : 'uas'}`;
  }
  const headers: HeaderPair[] = [['session-expires', `${interval}${refresher}`]];
  if (minSE > LEAST_SESSION_INTERVAL) headers.push(['min-se', String(minSE)]);
  return headers;
}

/** §7.2: what a 2xx to our request fixed; undefined when the session does not expire. */
export function intervalFromResponse(headers: Headers): SessionInterval | undefined {
  const expires = parseSessionExpires(headers);
  if (expires === undefined) return undefined;
  return { interval: expires.interval, weRefresh: expires.refresher !== 'uas' };
}

export type TimerAnswer =
  | { readonly kind: 'refuse'; readonly headers: HeaderPair[] }
  | {
      readonly kind: 'accept';
      readonly timer: SessionInterval | undefined;
      readonly headers: HeaderPair[];
    };

/** §9: what the 2xx to a peer's INVITE or UPDATE says, or a 422 with Min-SE. */
export function answerTimer(
  request: Headers,
  config: SessionTimerConfig | false,
  current?: SessionInterval,
): TimerAnswer {
  const peerSupports = request.tokens('supported').includes('timer');
  const asked = parseSessionExpires(request);
  if (config === false || (asked === undefined && !peerSupports)) {
    return { kind: 'accept', timer: undefined, headers: [] };
  }
  if (asked !== undefined && asked.interval < config.minSE && peerSupports) {
    return { kind: 'refuse', headers: [['min-se', String(config.minSE)]] };
  }
  // The interval may be shortened, but not below what anybody on the way has asked for.
  const floor = Math.max(parseMinSE(request), config.minSE);
  const wanted = asked === undefined ? config.expires : Math.min(asked.interval, config.expires);
  const interval =
    asked === undefined
      ? Math.max(wanted, floor)
      : Math.max(wanted, Math.min(floor, asked.interval));
  const refresher = chooseRefresher(peerSupports, asked, config, current);
  const headers: HeaderPair[] = [['session-expires', `${interval};refresher=${refresher}`]];
  if (refresher === 'uac') headers.push(['require', 'timer']);
  return { kind: 'accept', timer: { interval, weRefresh: refresher === 'uas' }, headers };
}

/** Table 2 of §9; where the choice is ours a refresh keeps the roles as they are. */
function chooseRefresher(
  peerSupports: boolean,
  asked: SessionExpires | undefined,
  config: SessionTimerConfig,
  current: SessionInterval | undefined,
): 'uac' | 'uas' {
  if (!peerSupports) return 'uas';
  if (asked?.refresher !== undefined) return asked.refresher;
  if (current !== undefined) return current.weRefresh ? 'uas' : 'uac';
  return config.refresher === 'auto' ? 'uac' : config.refresher;
}

/** Milliseconds after a refresh at which we act, and what we do then (§10). */
export function nextTimerEvent(timer: SessionInterval): {
  readonly afterMs: number;
  readonly action: 'refresh' | 'expire';
} {
  if (timer.weRefresh) return { afterMs: timer.interval * 500, action: 'refresh' };
  const margin = Math.min(32, timer.interval / 3);
  return { afterMs: (timer.interval - margin) * 1000, action: 'expire' };
}
