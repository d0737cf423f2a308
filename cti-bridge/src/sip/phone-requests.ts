import { OffhookError } from '@offhook/common';
import type { Account, SipAnswer } from '@offhook/signaling';
import type { WatchedDialog } from '@offhook/signaling/documents';

/** A call of the phone that is asked, as that phone has it: Call-ID and tags. */
type Named = Pick<WatchedDialog, 'callId' | 'localTag' | 'remoteTag'>;

/**
 * What a phone can be asked from outside of its dialogs: to call (REFER, RFC 3515, without reports,
 * RFC 4488), to do so in one of its calls or to end it (Target-Dialog, RFC 4538), to answer, hold and
 * retrieve (`Event: talk` and `Event: hold`), and to light its lamp (RFC 3842).
 */
export class PhoneRequests {
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /**
   * @param within the call that the phone is to hand over, or to end with `method=BYE`, and on whose
   * behalf (Referred-By, RFC 3892)
   */
  async refer(
    phone: string,
    to: string,
    signal: AbortSignal,
    within?: { readonly dialog: Named; readonly by: string },
  ): Promise<void> {
    const headers = [
      `Refer-To: <${to}>`,
      `Referred-By: <${within?.by ?? this.#account.aor}>`,
      'Refer-Sub: false',
      'Supported: norefersub, tdialog',
      ...targetDialog(within?.dialog),
    ];
    await this.#ask('REFER', phone, headers, signal);
  }

  async notify(
    phone: string,
    event: 'talk' | 'hold',
    dialog: Named,
    signal: AbortSignal,
  ): Promise<void> {
    const headers = [`Event: ${event}`, 'Subscription-State: active', ...targetDialog(dialog)];
    await this.#ask('NOTIFY', phone, headers, signal);
  }

  async messageWaiting(phone: string, on: boolean, signal: AbortSignal): Promise<void> {
    const content = `Messages-Waiting: ${on ? 'yes' : 'no'}\r\n`;
    const body = { type: 'application/simple-message-summary', content };
    const headers = ['Event: message-summary', 'Subscription-State: active'];
    await this.#ask('NOTIFY', phone, headers, signal, body);
  }

  async #ask(
    method: string,
    phone: string,
    headers: readonly string[],
    signal: AbortSignal,
    body?: { type: string; content: string },
  ): Promise<void> {
    const options = { headers, signal, ...(body === undefined ? {} : { body }) };
    const answer: SipAnswer = await this.#account.request(method, phone, options);
    if (answer.status < 300) return;
    const why = `${phone} refused ${method}: ${answer.reason} (${answer.status})`;
    throw new OffhookError('cti', 'pbx-refused', why);
  }
}

/** `Refer-To` of a call that is to take the place of one of the receiver's (RFC 3891). */
export function replacing(uri: string, theirs: Named, earlyOnly = false): string {
  const { callId, localTag, remoteTag } = whole(theirs);
  const flag = earlyOnly ? ';early-only' : '';
  const header = `${callId};to-tag=${localTag};from-tag=${remoteTag}${flag}`;
  return `${uri}${uri.includes('?') ? '&' : '?'}Replaces=${encodeURIComponent(header)}`;
}

function targetDialog(dialog: Named | undefined): readonly string[] {
  if (dialog === undefined) return [];
  const { callId, localTag, remoteTag } = whole(dialog);
  return [`Target-Dialog: ${callId};local-tag=${localTag};remote-tag=${remoteTag}`];
}

const WORD = /^[\x21-\x3a\x3c\x3d\x3f-\x7e]{1,256}$/;

/** @throws OffhookError `cti` `not-supported` where the phone does not tell its dialogs' names */
function whole({ callId, localTag, remoteTag }: Named) {
  if (
    callId !== undefined &&
    localTag !== undefined &&
    remoteTag !== undefined &&
    [callId, localTag, remoteTag].every((one) => WORD.test(one))
  ) {
    return { callId, localTag, remoteTag };
  }
  throw new OffhookError('cti', 'not-supported', 'the phone does not tell Call-ID and tags');
}
