import { readFile } from 'node:fs/promises';
import { OffhookError, type Clock, type Logger } from '@offhook/common';
import { followCti } from '@offhook/cti-bridge/client';
import type { CallHistory } from '../call/history.ts';
import type { GuestConfig } from '../config.ts';
import { readPem } from '../pem.ts';
import { DeskHandset } from './desk-handset.ts';
import { DeskLine } from './desk-line.ts';

/** The desk phone of the configuration; the bridge is connected with by and by. */
export function openDesk(options: {
  readonly desk: NonNullable<GuestConfig['desk']>;
  readonly codes: GuestConfig['codes'];
  readonly domain: string;
  /** What the number rules make of what somebody dials. */
  readonly decide: (target: string) => string;
  readonly nameOf: (uri: string) => string | undefined;
  readonly history: CallHistory;
  readonly clock: Clock;
  readonly logger: Logger;
}): DeskHandset {
  const { desk, codes, domain, decide, nameOf, history, clock, logger } = options;
  const { url, device, ca, token_file: file } = desk;
  const client = followCti({
    url,
    token: () => readToken(file),
    clock,
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
  });
  const line = new DeskLine({ client, url, device, domain, nameOf, history, clock, logger });
  return new DeskHandset({ line, codes, domain, decide });
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split('\n', 1)[0]?.trim() ?? '';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new OffhookError('config', 'unreadable', `${file} cannot be read (${code})`, {
      cause: error,
      remedy: 'put the token for the CTI bridge there ([desk] token_file)',
    });
  }
}
