import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { exited, stopProcess } from '@offhook/common';

export interface QemuOptions {
  readonly password?: string;
  /** Names of SPICE ports; the peer at the other end of each is a QMP monitor. */
  readonly ports: readonly string[];
  readonly tls?: { readonly dir: string; readonly only: boolean };
}

export interface Qemu {
  readonly port: number;
  readonly tlsPort: number;
  stop(): Promise<void>;
}

/** A real QEMU with no machine in it, only its SPICE server and its port channels. */
export async function startQemu(options: QemuOptions): Promise<Qemu> {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const ticket = options.password === undefined ? 'disable-ticketing=on' : 'password-secret=ticket';
  const tls =
    options.tls === undefined
      ? ''
      : `,tls-port=${tlsPort},x509-dir=${options.tls.dir}${options.tls.only ? ',tls-channel=default' : ''}`;
  const args = ['-M', 'none', '-display', 'none', '-nodefaults'];
  if (options.password !== undefined) {
    args.push('-object', `secret,id=ticket,data=${options.password}`);
  }
  args.push('-spice', `port=${port},addr=127.0.0.1,${ticket}${tls}`);
  options.ports.forEach((name, index) =>
    args.push(
      '-chardev',
      `spiceport,name=${name},id=p${index}`,
      '-mon',
      `chardev=p${index},mode=control`,
    ),
  );
  const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await listening(port, child);
  return { port, tlsPort, stop: async () => void (await stopProcess(child)) };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const dead = exited(child).then(() => {
    throw new Error(`QEMU did not start: ${errors}`);
  });
  dead.catch(() => undefined);
  const deadline = AbortSignal.timeout(10_000);
  for (;;) {
    deadline.throwIfAborted();
    const socket = connect(port, '127.0.0.1');
    const open = once(socket, 'connect').then(
      () => true,
      () => false,
    );
    const isOpen = await Promise.race([open, dead]);
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
