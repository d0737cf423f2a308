import { OffhookError } from '@offhook/common';
import type { MediaClient } from '@offhook/media-rpc';
import type { UserAgent, UserAgentOptions } from '@offhook/signaling';
import type { GuestConfig } from './config.ts';

export function createUserAgent(_options: UserAgentOptions): Promise<UserAgent> {
  return Promise.reject(new OffhookError('signaling', 'not-built', 'no signaling yet'));
}

export function connectEngine(_config: GuestConfig): (signal: AbortSignal) => Promise<MediaClient> {
  return () => Promise.reject(new OffhookError('channel', 'not-built', 'no channel yet'));
}
