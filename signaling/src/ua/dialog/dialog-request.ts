import type { Body } from '../../api.ts';
import { ClientRequest, type LoginRefusal, type RequestFailure } from '../core/client-request.ts';
import type { HeaderPair } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import { capabilityHeaders, type CallProfile } from '../session/profile.ts';
import {
  draftRequest,
  nextRequest,
  showContact,
  type DialogState,
  type RequestDraft,
} from './dialog-state.ts';

export interface DialogRequest {
  readonly method: string;
  readonly headers?: readonly HeaderPair[];
  readonly body?: Body | undefined;
  /** Adds Contact, Allow and Supported (RFC 3261 §12.2.1.1 for target refresh requests). */
  readonly capabilities?: boolean;
}

export interface DialogRequestHandlers {
  final(response: SipResponse, draft: RequestDraft, login?: LoginRefusal): void;
  failed(failure: RequestFailure): void;
}

/** Where the dialog's state is kept. */
export interface DialogKeeper {
  dialog: DialogState;
}

/** Sends a request in a dialog; each attempt uses up a CSeq number. */
export function sendInDialog(
  profile: CallProfile,
  keeper: DialogKeeper,
  request: DialogRequest,
  handlers: DialogRequestHandlers,
): ClientRequest {
  const probe = draftRequest(keeper.dialog, request.method, 0);
  return new ClientRequest(
    profile.core,
    {
      method: request.method,
      uri: probe.uri,
      body: request.body?.content,
      hop: { uri: probe.nextHop },
      digest: profile.digest,
      // Whoever calls us could ask for our digest when we hang up, and guess the password at leisure.
      trusts: (flow) => keeper.dialog.role === 'uac' || profile.isRegistrar(flow),
      draft: ({ flow, extra }) => {
        const { state, draft } = nextRequest(keeper.dialog, request.method, {
          headers: [
            ...(request.capabilities === true ? capabilityHeaders(profile, flow) : []),
            ...(request.headers ?? []),
            ...extra,
          ],
          ...(request.body !== undefined && { body: request.body }),
        });
        keeper.dialog =
          request.capabilities === true ? showContact(state, profile.contactOn(flow)) : state;
        return draft;
      },
    },
    handlers,
  ).start();
}
