import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * The manager interface of an Asterisk with as many phones as one likes, each in a call: what no
 * test machine can hold for real. Its events are said to all who are connected, at once.
 */
export class FakeManager {
  readonly port: number;
  readonly #server: Server;
  /** Whatever it was asked to do, as `Action field=value …`; listings and pings left out. */
  readonly actions: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #name: string;
  readonly #title: string;
  /** The number of each device's call; 0 for none. */
  readonly #calls: number[];

  private constructor(server: Server, name: string, title: string, devices: number) {
    this.#server = server;
    this.#name = name;
    this.#title = title;
    this.#calls = Array.from({ length: devices }, () => 1);
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  /** `name`: the phones are `<name>-0` and so on; `title`: what every caller is called. */
  static async start(devices: number, name = 'phone', title = ''): Promise<FakeManager> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeManager(server, name, title, devices);
  }

  /** The devices that are in a call. */
  get busy(): readonly string[] {
    return this.#calls.flatMap((call, at) => (call > 0 ? [this.#device(at)] : []));
  }

  /** The phone's call ends, or where it has none a new one begins. */
  toggle(device: number): void {
    const call = this.#calls[device] ?? 0;
    this.#calls[device] = call > 0 ? -call : 1 - call;
    this.#say({
      Event: call > 0 ? 'Hangup' : 'Newchannel',
      ...this.#channel(device),
      ...(call > 0 ? { Cause: '16' } : {}),
    });
  }

  /** A phone's own hold, or its end. */
  hold(device: number, on: boolean): void {
    this.#say({ Event: on ? 'Hold' : 'Unhold', ...this.#channel(device) });
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.write('Asterisk Call Manager/11.0.0\r\n');
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const [last = '', ...whole] = (rest + text).split('\r\n\r\n').toReversed();
      rest = last;
      for (const packet of whole.toReversed()) socket.write(this.#answer(packet));
    });
  }

  #answer(packet: string): string {
    const field = (one: string) =>
      new RegExp(`^${one}: (.*)$`, 'm').exec(packet)?.[1]?.trim() ?? '';
    const ActionID = field('ActionID');
    const ok = block({
      Response: 'Success',
      ActionID,
      Challenge: '1',
      PJSIPNotify: '',
      DBGetTree: '',
    });
    const list = (rows: readonly Record<string, string>[]) =>
      [
        block({ Response: 'Success', ActionID, EventList: 'start' }),
        ...rows.map((row) => block({ ...row, ActionID })),
        block({ Event: 'ListComplete', ActionID, EventList: 'Complete' }),
      ].join('');
    const all = this.#calls.map((_, at) => at);
    switch (field('Action')) {
      case 'PJSIPShowEndpoints':
        return list(
          all.map((at) => ({
            Event: 'EndpointList',
            ObjectName: this.#device(at),
            DeviceState: 'In use',
          })),
        );
      case 'CoreShowChannels':
        return list(
          all
            .filter((at) => (this.#calls[at] ?? 0) > 0)
            .map((at) => ({
              Event: 'CoreShowChannel',
              ...this.#channel(at),
              Application: 'Wait',
            })),
        );
      case 'QueueStatus':
      case 'DBGetTree':
      case 'ShowDialPlan':
        return list([]);
      case 'PJSIPNotify':
        this.actions.push(`PJSIPNotify ${field('Endpoint')}`);
        return ok;
      default:
        return ok;
    }
  }

  #say(fields: Readonly<Record<string, string>>): void {
    const text = block(fields);
    for (const socket of this.#sockets) socket.write(text);
  }

  #device(at: number): string {
    return `${this.#name}-${at}`;
  }

  #channel(at: number): Record<string, string> {
    const id = uniqueId(at, Math.abs(this.#calls[at] ?? 0));
    return {
      Channel: `PJSIP/${this.#device(at)}-${at.toString(16).padStart(8, '0')}`,
      ChannelState: '6',
      ChannelStateDesc: 'Up',
      CallerIDNum: this.#device(at),
      CallerIDName: this.#title,
      Context: 'phones',
      Exten: '600',
      Priority: '1',
      Uniqueid: id,
      Linkedid: id,
    };
  }
}

/** The connection of a device in its first call, as a bridge calls it to which the PBX is `bench`. */
export function connectionId(device: number): string {
  return `bench:${uniqueId(device, 1)}`;
}

function uniqueId(device: number, call: number): string {
  return `17000000${String(call).padStart(2, '0')}.${device}`;
}

function block(fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([one, value]) => `${one}: ${value}\r\n`);
  return `${lines.join('')}\r\n`;
}
