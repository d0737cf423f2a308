import type { InboundRequest } from '../core/inbound-request.ts';
import type { ClientRequest } from '../core/client-request.ts';
import type { DialogOwner } from '../core/sip-core.ts';
import { formatNameAddr } from '../message/name-addr.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { supportedTags, type CallProfile } from '../session/profile.ts';
import { sendInDialog, type DialogRequest, type DialogRequestHandlers } from './dialog-request.ts';
import {
  acceptRequest,
  confirmDialog,
  dialogFromRequest,
  refreshTarget,
  type DialogState,
} from './dialog-state.ts';

export interface OpeningOptions {
  readonly profile: CallProfile;
  readonly target: string;
  readonly displayName?: string | undefined;
  /** Route values in front of the request (outbound proxy, Service-Route). */
  readonly routes: readonly string[];
}

/** What a request outside of any dialog is made from: a dialog whose other half is not known yet. */
export function openingState(options: OpeningOptions): DialogState {
  const { profile, target, displayName, routes } = options;
  const { core, aor } = profile;
  return {
    callId: core.token(16),
    localTag: core.token(8),
    remoteTag: '',
    localParty: formatNameAddr({
      ...(displayName !== undefined && { displayName }),
      uri: aor,
      params: [],
    }),
    remoteParty: formatNameAddr({ uri: target, params: [] }),
    remoteTarget: target,
    routeSet: routes,
    localCSeq: 0,
    role: 'uac',
    early: true,
    secure: false,
  };
}

/** A dialog that is no call's: SUBSCRIBE (RFC 6665 §4.1) or REFER (RFC 3515) has opened it. */
export class PlainDialog implements DialogOwner {
  dialog: DialogState;
  readonly profile: CallProfile;
  readonly #serve: (inbound: InboundRequest) => void;
  #confirmed: boolean;
  #closed = false;

  private constructor(
    profile: CallProfile,
    dialog: DialogState,
    serve: (inbound: InboundRequest) => void,
    confirmed: boolean,
  ) {
    this.profile = profile;
    this.dialog = dialog;
    this.#serve = serve;
    this.#confirmed = confirmed;
    if (confirmed) profile.core.addDialog(dialog, this);
    else profile.core.expectDialog(dialog, this);
  }

  /** Before the first request of ours; its 2xx or the first NOTIFY confirms the dialog. */
  static opening(options: OpeningOptions, serve: (inbound: InboundRequest) => void): PlainDialog {
    return new PlainDialog(options.profile, openingState(options), serve, false);
  }

  /** By a request of the peer that we accept. */
  static accepting(
    profile: CallProfile,
    inbound: InboundRequest,
    serve: (inbound: InboundRequest) => void,
  ): PlainDialog {
    const dialog = dialogFromRequest(inbound.message, inbound.localTag);
    return new PlainDialog(profile, { ...dialog, early: false }, serve, true);
  }

  get confirmed(): boolean {
    return this.#confirmed;
  }

  send(request: DialogRequest, handlers: DialogRequestHandlers): ClientRequest {
    return sendInDialog(this.profile, this, request, {
      final: (response, draft, login) => {
        if (response.status < 300) this.#accepted(response);
        handlers.final(response, draft, login);
      },
      failed: (failure) => handlers.failed(failure),
    });
  }

  /** The dialog lasts as long as somebody keeps it. */
  hold(): () => void {
    return () => this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { core } = this.profile;
    if (this.#confirmed) core.removeDialog(this.dialog);
    core.forgetDialog(this.dialog);
  }

  request(inbound: InboundRequest): void {
    const { message } = inbound;
    if (!this.#confirmed) this.#confirm(this.#opened(message));
    else if (message.fromTag !== this.dialog.remoteTag) {
      // A fork of our request: one subscription is enough (RFC 6665 §4.1.4).
      inbound.reply(481);
      return;
    }
    const state = acceptRequest(this.dialog, message.cseq.number);
    if (state === undefined) {
      inbound.reply(500, { reason: 'Request Out Of Order' });
      return;
    }
    this.dialog = refreshTarget(state, message.headers);
    const known = supportedTags(this.profile);
    const unknown = message.headers.tokens('require').filter((tag) => !known.includes(tag));
    if (unknown.length > 0) inbound.reply(420, { headers: [['unsupported', unknown.join(', ')]] });
    else this.#serve(inbound);
  }

  acknowledged(): void {
    // No INVITE ever runs in it.
  }

  #accepted(response: SipResponse): void {
    if (this.#confirmed) this.dialog = refreshTarget(this.dialog, response.headers);
    else if (response.toTag !== undefined) {
      const remoteTag = response.toTag;
      this.#confirm({ ...confirmDialog({ ...this.dialog, routeSet: [] }, response), remoteTag });
    }
  }

  /** RFC 6665 §4.4.1: the NOTIFY may be there before the answer to the SUBSCRIBE. */
  #opened(message: SipRequest): DialogState {
    const { remoteTag, remoteTarget, routeSet } = dialogFromRequest(message, this.dialog.localTag);
    return { ...this.dialog, remoteTag, remoteTarget, routeSet, early: false };
  }

  #confirm(state: DialogState): void {
    if (this.#closed) return;
    this.dialog = state;
    this.#confirmed = true;
    this.profile.core.addDialog(state, this);
  }
}
