import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FakeSwitch, type FakeChannel } from './fake-switch.ts';

export const PASSWORD = 'ClueCon';
export const DOMAIN = 'pbx.test';

/**
 * What mod_event_socket says and takes, as far as the adapter speaks it: made from FreeSWITCH's
 * documentation, because FreeSWITCH itself is in no Debian.
 */
export class FakeEventSocket {
  readonly switch: FakeSwitch;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  private constructor(names: readonly string[]) {
    this.switch = new FakeSwitch(names, (name, channel, more) => this.#event(name, channel, more));
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(names: readonly string[]): Promise<FakeEventSocket> {
    const fake = new FakeEventSocket(names);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As when FreeSWITCH is restarted: calls are those that there are. */
  dropClients(): void {
    for (const socket of this.#clients) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropClients();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#clients.add(socket);
    socket.on('close', () => this.#clients.delete(socket));
    socket.on('error', () => undefined);
    socket.write('Content-Type: auth/request\n\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const command = text.slice(0, end);
        text = text.slice(end + 2);
        this.#command(socket, command);
      }
    });
  }

  #command(socket: Socket, command: string): void {
    const [verb = '', ...words] = (command.split('\n')[0] ?? '').split(' ');
    const reply = (text: string, more = '') =>
      socket.write(`Content-Type: command/reply\nReply-Text: ${text}\n${more}\n`);
    switch (verb) {
      case 'auth':
        reply(words[0] === PASSWORD ? '+OK accepted' : '-ERR invalid');
        return;
      case 'event':
        reply('+OK event listener enabled plain');
        return;
      case 'sendevent': {
        const account = /MWI-Message-Account: ([^@]+)@/.exec(command)?.[1] ?? '';
        const phone = this.switch.phones[account];
        if (phone !== undefined) phone.messageWaiting = command.includes('Waiting: yes');
        reply('+OK');
        return;
      }
      case 'bgapi': {
        const job = randomUUID();
        reply(`+OK Job-UUID: ${job}`, `Job-UUID: ${job}\n`);
        const result = this.#api(words);
        const body = `${result}\n`;
        this.#send({ 'Event-Name': 'BACKGROUND_JOB', 'Job-UUID': job }, body);
        return;
      }
      case 'api': {
        const body = `${this.#api(words)}\n`;
        socket.write(
          `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`,
        );
        return;
      }
      default:
        reply('-ERR command not found');
    }
  }

  #api([name = '', ...words]: readonly string[]): string {
    const channel = this.switch.channel(words.find((word) => /^[0-9a-f-]{36}$/.test(word)) ?? '');
    switch (name) {
      case 'list_users':
        return this.#users();
      case 'show':
        return JSON.stringify({ row_count: this.switch.channels.length, rows: this.#rows() });
      case 'originate':
        return this.#originate(words);
      default:
    }
    if (channel === undefined) return '-ERR No such channel!';
    return this.#onChannel(name, words, channel);
  }

  #onChannel(name: string, words: readonly string[], channel: FakeChannel): string {
    const fake = this.switch;
    switch (name) {
      case 'uuid_kill':
        fake.hangUp(channel, words[1] ?? 'NORMAL_CLEARING');
        return '+OK';
      case 'uuid_hold':
        fake.become(channel, words[0] === 'off' ? 'ACTIVE' : 'HELD');
        return '+OK Success';
      case 'uuid_phone_event':
        fake.answer(channel);
        return '+OK';
      case 'uuid_send_dtmf':
        fake.phones[channel.device]?.digits.push(words[1] ?? '');
        return '+OK';
      case 'uuid_bridge': {
        const other = fake.channel(words[1] ?? '');
        if (other === undefined) return '-ERR Invalid uuid';
        fake.bridge(channel, other);
        return `+OK ${channel.uuid}`;
      }
      case 'uuid_transfer': {
        const [, first = '', second = ''] = words;
        if (first === '-both') {
          const { other } = channel;
          channel.other = undefined;
          if (other !== undefined) other.other = undefined;
          return second.startsWith('conference:') ? '+OK' : '-ERR';
        }
        fake.take(channel);
        if (!first.startsWith('conference:')) fake.route(channel, first);
        return '+OK';
      }
      default:
        return `-ERR ${name} Command not found!`;
    }
  }

  /** `originate {variables}user/NAME@DOMAIN EXTEN XML CONTEXT`, or an application in place of that. */
  #originate(words: readonly string[]): string {
    const line = words.join(' ');
    const parts = /^\{([^}]*)\}user\/([^@]+)@\S+ (.*)$/.exec(line);
    const name = parts?.[2] ?? '';
    const uuid = /origination_uuid=([^,]+)/.exec(parts?.[1] ?? '')?.[1];
    const what = parts?.[3] ?? '';
    if (this.switch.phones[name] === undefined || uuid === undefined)
      return '-ERR USER_NOT_REGISTERED';
    const channel = this.switch.begin({ device: name, direction: 'outbound', uuid });
    const target = this.switch.channel(/\(([^)]*)\)/.exec(what)?.[1] ?? '');
    channel.next = () => {
      if (what.startsWith('&intercept') && target !== undefined) {
        this.switch.take(target);
        this.switch.become(target, 'ACTIVE');
        this.switch.bridge(target, channel);
      } else if (what.startsWith('&')) channel.listensTo = target;
      else this.switch.route(channel, what.split(' ')[0] ?? '');
    };
    this.switch.answer(channel);
    return `+OK ${uuid}`;
  }

  #users(): string {
    const rows = Object.keys(this.switch.phones).map(
      (name) =>
        `${name}|default|${DOMAIN}|default|sofia/internal/sip:${name}@127.0.0.1:5060|||${name}`,
    );
    const head =
      'userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number';
    return [head, ...rows, '', '+OK'].join('\n');
  }

  #rows() {
    return this.switch.channels.map(({ uuid, call, device, direction, callState, other }) => ({
      uuid,
      direction,
      callstate: callState,
      presence_id: `${device}@${DOMAIN}`,
      call_uuid: call,
      cid_num: device,
      b_uuid: other?.uuid ?? '',
    }));
  }

  #event(name: string, channel: FakeChannel, more: Record<string, string> = {}): void {
    this.#send({
      'Event-Name': name,
      'Unique-ID': channel.uuid,
      'Channel-Call-UUID': channel.call,
      'Channel-Call-State': channel.callState,
      'Channel-Presence-ID': `${channel.device}@${DOMAIN}`,
      'Call-Direction': channel.direction,
      'Caller-Caller-ID-Number': channel.device,
      ...more,
    });
  }

  #send(headers: Record<string, string>, inner = ''): void {
    const lines = Object.entries(headers).map(
      ([key, value]) => `${key}: ${encodeURIComponent(value)}\n`,
    );
    const length = inner === '' ? '' : `Content-Length: ${Buffer.byteLength(inner)}\n`;
    const body = `${lines.join('')}${length}\n${inner}`;
    const head = `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-plain\n\n`;
    for (const socket of this.#clients) socket.write(head + body);
  }
}
