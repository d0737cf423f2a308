import type { Logger } from '@offhook/common';
import type { AccountConfig, GuestConfig } from '../config.ts';
import type { EngineLine } from '../engine-line.ts';
import type { CallKeeper } from '../journal/call-keeper.ts';
import type { JournalRow } from '../journal/rows.ts';
import { CallMedia } from './call-media.ts';
import type { CallSession } from './call-session.ts';
import { letters } from './letters.ts';
import { nextHops, peerAddress } from './peer-address.ts';

/** An engine takes an id of 16 letters and more for a secret. */
const SECRET_LETTERS = 20;

interface MediaParts {
  readonly link: EngineLine;
  readonly config: Pick<GuestConfig, 'sip'>;
  readonly random: () => number;
  readonly logger: Logger;
  readonly keeper: CallKeeper;
}

/** The media session of a call, new or, with a row of the journal, as an earlier process had it. */
export function mediaOf(
  { link, config, random, logger, keeper }: MediaParts,
  call: {
    readonly id: string;
    readonly account: AccountConfig;
    /** SIP URI of the far end. */
    readonly remote: string;
    readonly row: JournalRow | undefined;
    /** The call itself, once it is there. */
    readonly session: () => CallSession | undefined;
  },
): CallMedia {
  const { id, account, remote, row, session } = call;
  const { codecs, srtp, dtmf, comfort_noise: comfortNoise } = account;
  const peer = peerAddress(nextHops(account, config.sip, remote));
  // The first part is for people who look at both ends, the second nobody else can guess.
  const mediaId = row?.media.session ?? `${id}-${letters(random, SECRET_LETTERS)}`;
  return new CallMedia({
    id: mediaId,
    resumed: row?.media,
    unanswered: row?.sip.state === 'inviting',
    port: link.portFor(mediaId),
    options: {
      srtp,
      comfortNoise,
      telephoneEvent: dtmf === 'rfc4733' || dtmf === 'auto',
      label: remote.slice(0, 256),
      ...(codecs === undefined ? {} : { codecs }),
      ...(peer === undefined ? {} : { peerAddress: peer }),
    },
    originId: String(Math.floor(random() * Number.MAX_SAFE_INTEGER) + 1),
    commandId: () => letters(random, 12),
    logger,
    onState: (state) => session()?.onMediaState(state),
    onLost: () => session()?.input({ type: 'media-lost' }),
    onChange: () => {
      const changed = session();
      if (changed !== undefined) keeper.touch(changed);
    },
  });
}
