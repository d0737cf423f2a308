import { isOffhookError, OffhookError } from '@offhook/common';

/** SPICE_LINK_ERR_*, `spice/protocol.h`, by number: code, what it means, what to do. */
const LINK_ERRORS: readonly (readonly [code: string, text: string, remedy?: string])[] = [
  ['spice-ok', 'no error'],
  ['spice-error', 'the SPICE server reports an error'],
  ['spice-invalid-magic', 'the SPICE server does not take us for a SPICE client'],
  ['spice-invalid-data', 'the SPICE server refuses our link message'],
  ['spice-version-mismatch', 'the SPICE server speaks another protocol version'],
  ['spice-need-secured', 'the SPICE server wants TLS on this channel', 'use its TLS port'],
  ['spice-need-unsecured', 'the SPICE server wants no TLS on this channel', 'use its plain port'],
  [
    'spice-permission-denied',
    'the SPICE server refuses the ticket',
    'get a fresh one: tickets expire',
  ],
  ['spice-bad-connection-id', 'the SPICE session is over: another client took it, or it migrated'],
  ['spice-channel-not-available', 'the SPICE server has no such channel'],
];

/** At which step of the link the server said no. */
export type LinkStage = 'link reply' | 'authentication';

export function linkError(code: number, stage: LinkStage): OffhookError {
  const [name, text, remedy] = LINK_ERRORS[code] ?? ['spice-error', `SPICE link error ${code}`];
  return new OffhookError('channel', name, `${text} (${stage})`, {
    remedy,
  });
}

/** The number to tell a client for what went wrong; SPICE_LINK_ERR_ERROR for all that has none. */
export function linkErrorNumber(error: unknown): number {
  const at = LINK_ERRORS.findIndex(([code]) => isOffhookError(error, code));
  return at < 1 ? 1 : at;
}
