import { OffhookError } from '@offhook/common';
import type { LinkRole } from './link-messages.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Why a link ends. Those of layer `channel` are told to nobody at the other end. */
export const linkError = {
  channelClosed: () => new OffhookError('channel', 'closed', 'the channel was closed'),

  silent: (peer: LinkRole, ms: number) =>
    new OffhookError('channel', 'silent', `no sign of life from the ${peer} for ${ms} ms`),

  queueFull: (bytes: number) =>
    new OffhookError('channel', 'send-queue-full', `the peer has left ${bytes} bytes unread`),

  handshakeTimeout: (peer: LinkRole, ms: number) =>
    new OffhookError(
      'channel',
      'handshake-timeout',
      `the channel is open, but no ${peer} has answered within ${ms} ms`,
    ),

  restarted: (peer: LinkRole) =>
    new OffhookError('rpc', 'peer-restarted', `the ${peer} was started again`),

  bytesLost: () => new OffhookError('rpc', 'bytes-lost', 'messages were lost on the channel'),

  tooLarge: (peer: LinkRole) =>
    new OffhookError('rpc', 'frame-too-large', `the ${peer} announced a frame over the limit`),

  malformed: (peer: LinkRole) =>
    new OffhookError(
      'rpc',
      'malformed-messages',
      `the ${peer} sends what is not the media protocol`,
    ),

  wrongRole: (role: LinkRole) =>
    new OffhookError('rpc', 'wrong-role', `there is another ${role} at the other end`, {
      remedy: 'connect a guest with an engine',
    }),

  versions: (role: LinkRole, ours: Range, theirs: Range) => {
    const name = role === 'guest' ? 'engine' : 'guest';
    const older = ours.max < theirs.min ? role : name;
    return new OffhookError(
      'rpc',
      'version-mismatch',
      `no common version of the media protocol: the ${role} speaks ${range(ours)}, ` +
        `the ${name} ${range(theirs)}`,
      { remedy: `update the ${older}`, details: { ours, theirs } },
    );
  },
} as const;

function range({ min, max }: Range): string {
  return min === max ? String(min) : `${min}-${max}`;
}
