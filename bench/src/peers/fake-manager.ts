import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * The manager interface of an Asterisk with as many phones as one likes, each in a call: what no
 * test machine can hold for real. Its events are said to all who are connected, at once.
 */
export class FakeManager {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #devices: number;

  private constructor(server: Server, devices: number) {
    this.#server = server;
    this.#devices = devices;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(devices: number): Promise<FakeManager> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeManager(server, devices);
  }

  /** A phone's own hold, or its end. */
  hold(device: number, on: boolean): void {
    const text = block({
      Event: on ? 'Hold' : 'Unhold',
      Channel: channel(device),
      ChannelState: '6',
      ChannelStateDesc: 'Up',
      CallerIDNum: name(device),
      Context: 'phones',
      Exten: '600',
      Priority: '1',
      Uniqueid: uniqueId(device),
      Linkedid: uniqueId(device),
    });
    for (const socket of this.#sockets) socket.write(text);
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
    const all = Array.from({ length: this.#devices }, (_, at) => at);
    switch (field('Action')) {
      case 'PJSIPShowEndpoints':
        return list(
          all.map((at) => ({ Event: 'EndpointList', ObjectName: name(at), DeviceState: 'In use' })),
        );
      case 'CoreShowChannels':
        return list(all.map((at) => listed(at)));
      case 'QueueStatus':
      case 'DBGetTree':
      case 'ShowDialPlan':
        return list([]);
      default:
        return ok;
    }
  }
}

/** The connection of a device in its call, as the bridge calls it. */
export function connectionId(device: number): string {
  return `bench:${uniqueId(device)}`;
}

function listed(device: number): Record<string, string> {
  return {
    Event: 'CoreShowChannel',
    Channel: channel(device),
    ChannelState: '6',
    CallerIDNum: name(device),
    Context: 'phones',
    Exten: '600',
    Application: 'Wait',
    Uniqueid: uniqueId(device),
    Linkedid: uniqueId(device),
  };
}

function name(device: number): string {
  return `phone-${device}`;
}

function channel(device: number): string {
  return `PJSIP/${name(device)}-${device.toString(16).padStart(8, '0')}`;
}

function uniqueId(device: number): string {
  return `1700000000.${device}`;
}

function block(fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([one, value]) => `${one}: ${value}\r\n`);
  return `${lines.join('')}\r\n`;
}
