import type { Endpoint } from '../../../src/transport/layer.ts';
import type { UdpSocket } from '../../../src/transport/network.ts';
import { OUR, sdp } from './bench.ts';
import type { MemoryNetwork } from './memory-network.ts';
import { Got } from './raw-peer.ts';

interface PeerDialog {
  readonly callId: string;
  readonly ourTag: string;
  theirTag: string;
  remoteCSeq: number;
  localCSeq: number;
  target: string;
  over: boolean;
  established: boolean;
}

const T1 = 500;
const TIMEOUT = 32_000;

/**
 * A far end that does what RFC 3261 says and nothing more: transactions, retransmissions, CSeq in
 * order. It writes down what it finds wrong.
 */
export class StrictPeer {
  readonly at: Endpoint = { address: '192.0.2.2', port: 5060 };
  readonly faults: string[] = [];
  readonly dialogs: PeerDialog[] = [];
  /** Methods that it has got, without what was sent again. */
  readonly got: string[] = [];
  readonly #answers = new Map<string, string[]>();
  readonly #acked = new Set<string>();
  readonly #waiting = new Map<string, (answer: Got) => void>();
  #socket: UdpSocket | undefined;
  #serial = 0;
  #version = 0;

  static async on(network: MemoryNetwork): Promise<StrictPeer> {
    const peer = new StrictPeer();
    peer.#socket = await network.bindUdp(
      { transport: 'udp', ...peer.at },
      {
        message: (data, from) => peer.#receive(new Got(Buffer.from(data).toString(), from)),
        error: () => undefined,
      },
    );
    return peer;
  }

  get uri(): string {
    return `sip:peer@${this.at.address}:${this.at.port}`;
  }

  /** Dialogs that this end thinks are up. */
  get live(): readonly PeerDialog[] {
    return this.dialogs.filter(({ over }) => !over);
  }

  /** Calls; resolves with the dialog, or undefined when it was refused. */
  async call(): Promise<PeerDialog | undefined> {
    const dialog = this.#dialog(`in-${(this.#serial += 1)}@peer`);
    const answer = await this.#ask(dialog, 'INVITE', sdp('peer', (this.#version += 1)));
    if (answer.start.startsWith('SIP/2.0 2')) return dialog;
    dialog.over = true;
    return undefined;
  }

  bye(dialog: PeerDialog): Promise<Got> {
    dialog.over = true;
    return this.#ask(dialog, 'BYE');
  }

  reInvite(dialog: PeerDialog): Promise<Got> {
    return this.#ask(dialog, 'INVITE', sdp('peer', (this.#version += 1)));
  }

  #dialog(callId: string): PeerDialog {
    const dialog: PeerDialog = {
      callId,
      ourTag: `peer${(this.#serial += 1)}`,
      theirTag: '',
      remoteCSeq: 0,
      localCSeq: 0,
      target: `sip:alice@${OUR.address}:${OUR.port}`,
      over: false,
      established: false,
    };
    this.dialogs.push(dialog);
    return dialog;
  }

  #send(text: string): void {
    this.#socket?.send(Buffer.from(text), OUR, () => undefined);
  }

  #ask(dialog: PeerDialog, method: string, body = ''): Promise<Got> {
    const branch = `z9hG4bKstrict${(this.#serial += 1)}`;
    dialog.localCSeq += 1;
    const text = this.#request(dialog, method, { branch, cseq: dialog.localCSeq, body });
    const { promise, resolve } = Promise.withResolvers<Got>();
    const started = Date.now();
    let answered = false;
    const again = (wait: number): void => {
      if (answered || Date.now() - started > TIMEOUT) {
        if (!answered) {
          dialog.over = true;
          this.faults.push(`no answer to ${method}`);
        }
        return;
      }
      this.#send(text);
      setTimeout(() => again(Math.min(2 * wait, 4000)), wait);
    };
    this.#waiting.set(`${branch} ${method}`, (answer) => {
      const provisional = answer.start.startsWith('SIP/2.0 1');
      answered = true;
      if (provisional) return;
      if (method === 'INVITE') this.#conclude(dialog, answer, branch);
      resolve(answer);
    });
    again(T1);
    return promise;
  }

  #conclude(dialog: PeerDialog, answer: Got, branch: string): void {
    const ok = answer.start.startsWith('SIP/2.0 2');
    if (ok) {
      dialog.theirTag = answer.tag('To');
      dialog.target = answer.contact;
      dialog.established = true;
    }
    this.#send(
      this.#request(dialog, 'ACK', {
        branch: ok ? `${branch}ack` : branch,
        cseq: answer.cseq,
        body: '',
      }),
    );
  }

  #request(
    dialog: PeerDialog,
    method: string,
    { branch, cseq, body }: { branch: string; cseq: number; body: string },
  ): string {
    const { callId, ourTag, theirTag, target } = dialog;
    return [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.at.address}:${this.at.port};branch=${branch};rport`,
      `From: <${this.uri}>;tag=${ourTag}`,
      `To: <sip:alice@example.com>${theirTag === '' ? '' : `;tag=${theirTag}`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      'Max-Forwards: 70',
      `Contact: <${this.uri}>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }

  #receive(message: Got): void {
    const branch = /branch=([^;\s]+)/.exec(message.header('Via'))?.[1] ?? '';
    const method = message.header('CSeq').split(' ')[1] ?? '';
    if (message.start.startsWith('SIP/2.0')) {
      this.#waiting.get(`${branch} ${method}`)?.(message);
      return;
    }
    if (method === 'ACK') {
      this.#acknowledged(message);
      return;
    }
    const key = `${branch} ${method}`;
    const known = this.#answers.get(key);
    if (known !== undefined) {
      const last = known.at(-1);
      if (last !== undefined) this.#send(last);
      return;
    }
    this.#answers.set(key, []);
    this.got.push(method);
    this.#serve(message, method, branch);
  }

  #serve(message: Got, method: string, branch: string): void {
    const answer = (status: string, body = '', tag = ''): void =>
      this.#answer(message, `${branch} ${method}`, status, body, tag);
    const callId = message.header('Call-ID');
    const dialog = this.dialogs.find((one) => one.callId === callId && !one.over);
    if (method === 'CANCEL') {
      const invite = this.#answers.get(`${branch} INVITE`);
      answer(invite === undefined ? '481 No Such Call' : '200 OK');
      if (dialog === undefined || dialog.established || invite === undefined) return;
      dialog.over = true;
      const lines = /^[^]*$/.exec(invite[0] ?? '')?.[0] ?? '';
      invite.push(lines.replace(/^SIP\/2\.0 .*/, 'SIP/2.0 487 Request Terminated'));
      this.#send(invite.at(-1) ?? '');
      return;
    }
    if (method === 'INVITE' && message.tag('To') === '') {
      if (this.dialogs.some((one) => one.callId === callId)) {
        this.faults.push('the same call twice');
        answer('482 Loop Detected', '', 'x');
        return;
      }
      this.#called(message, branch);
      return;
    }
    if (dialog === undefined || message.tag('To') !== dialog.ourTag) {
      answer('481 No Such Call');
      return;
    }
    if (message.cseq <= dialog.remoteCSeq) {
      this.faults.push(`${method} out of order: ${message.cseq} after ${dialog.remoteCSeq}`);
      answer('500 Out Of Order');
      return;
    }
    dialog.remoteCSeq = message.cseq;
    if (message.contact !== '') dialog.target = message.contact;
    if (method === 'BYE') dialog.over = true;
    if (method === 'INVITE') this.#accept(message, branch, dialog);
    else answer('200 OK');
  }

  #called(message: Got, branch: string): void {
    const dialog = this.#dialog(message.header('Call-ID'));
    dialog.theirTag = message.tag('From');
    dialog.remoteCSeq = message.cseq;
    dialog.target = message.contact;
    this.#answer(message, `${branch} INVITE`, '180 Ringing', '', dialog.ourTag);
    setTimeout(() => {
      if (!dialog.over) this.#accept(message, branch, dialog);
    }, 300);
  }

  /** The 2xx, again until the ACK. */
  #accept(message: Got, branch: string, dialog: PeerDialog): void {
    dialog.established = true;
    const body = sdp('peer', (this.#version += 1));
    const started = Date.now();
    this.#answer(message, `${branch} INVITE`, '200 OK', body, dialog.ourTag);
    const text = this.#answers.get(`${branch} INVITE`)?.at(-1) ?? '';
    const again = (wait: number): void => {
      if (this.#acked.has(`${dialog.callId} ${message.cseq}`) || dialog.over) return;
      if (Date.now() - started > TIMEOUT) {
        this.faults.push('a 2xx was never acknowledged');
        dialog.over = true;
        return;
      }
      this.#send(text);
      setTimeout(() => again(Math.min(2 * wait, 4000)), wait);
    };
    setTimeout(() => again(2 * T1), T1);
  }

  #acknowledged(message: Got): void {
    this.#acked.add(`${message.header('Call-ID')} ${message.cseq}`);
  }

  #answer(message: Got, key: string, status: string, body: string, tag: string): void {
    const to = message.header('To');
    const text = [
      `SIP/2.0 ${status}`,
      ...message.headers('Via').map((via) => `Via: ${via}`),
      `From: ${message.header('From')}`,
      `To: ${/;tag=/.test(to) || tag === '' ? to : `${to};tag=${tag}`}`,
      `Call-ID: ${message.header('Call-ID')}`,
      `CSeq: ${message.header('CSeq')}`,
      `Contact: <${this.uri}>`,
      'Allow: INVITE, ACK, BYE, CANCEL, UPDATE',
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
    this.#answers.get(key)?.push(text);
    this.#send(text);
  }
}
