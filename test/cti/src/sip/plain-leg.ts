import { randomUUID } from 'node:crypto';
import type { SipMessage } from '../phone/sip-text.ts';
import type { LegState, TestLeg } from '../rig.ts';
import type { Dialog } from './peer-socket.ts';

/** One line of a simulated phone's display. */
export class PlainLeg implements TestLeg {
  readonly id = randomUUID().slice(0, 8);
  readonly dialog: Dialog;
  readonly incoming: boolean;
  /** What is to be answered. */
  readonly invite: SipMessage | undefined;
  /** The dialog of this phone whose place it has taken. */
  replaces: Dialog | undefined;
  /** Who has asked for it. */
  referredBy: string | undefined;
  /** Status of a call that was refused. */
  status = 0;
  /** Of its INVITE, for CANCEL. */
  branch = '';
  state: LegState;

  constructor(dialog: Dialog, invite?: SipMessage) {
    this.dialog = dialog;
    this.invite = invite;
    this.incoming = invite !== undefined;
    this.state = this.incoming ? 'ringing' : 'calling';
  }
}
