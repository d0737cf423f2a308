import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { createInterface } from 'node:readline';
import { exited, stopProcess, withDeadline } from '@offhook/common';

export interface QemuOptions {
  readonly password?: string;
  /** Names of SPICE ports; the peer at the other end of each is a QMP monitor. */
  readonly ports: readonly string[];
  readonly tls?: { readonly dir: string; readonly only: boolean };
  /** A PC that boots its firmware, so that there is something to see; else no machine at all. */
  readonly screen?: boolean;
  /** Seamless migration instead of semi-seamless. */
  readonly seamless?: boolean;
  /** More arguments. */
  readonly args?: readonly string[];
}

export interface Qemu {
  readonly port: number;
  readonly tlsPort: number;
  readonly pid: number;
  /** A command of the QEMU Machine Protocol; resolves with its `return`. */
  qmp(execute: string, args?: Record<string, unknown>): Promise<unknown>;
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
  const machine =
    options.screen === true
      ? ['-M', 'pc', '-accel', 'tcg', '-m', '32', '-vga', 'std', '-device', 'virtio-serial-pci']
      : ['-M', 'none'];
  const args = [...machine, '-display', 'none', '-nodefaults', ...(options.args ?? [])];
  if (options.password !== undefined) {
    args.push('-object', `secret,id=ticket,data=${options.password}`);
  }
  const seamless = options.seamless === true ? ',seamless-migration=on' : '';
  args.push('-spice', `port=${port},addr=127.0.0.1,${ticket}${tls}${seamless}`);
  options.ports.forEach((name, index) =>
    args.push(
      '-chardev',
      `spiceport,name=${name},id=p${index}`,
      '-mon',
      `chardev=p${index},mode=control`,
    ),
  );
  args.push('-qmp', 'stdio');
  const child = spawn('qemu-system-x86_64', args, { stdio: 'pipe' });
  await listening(port, child);
  const qmp = monitor(child);
  await qmp('qmp_capabilities');
  const stop = async () => void (await stopProcess(child));
  return { port, tlsPort, pid: child.pid ?? 0, qmp, stop };
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

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

/** Answers come in the order of the commands; events and the greeting lie between. */
function monitor(child: ChildProcess): Qemu['qmp'] {
  const waiting: ((reply: { return?: unknown; error?: { desc: string } }) => void)[] = [];
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('QEMU has no monitor');
  createInterface({ input: stdout }).on('line', (line) => {
    const message = JSON.parse(line) as { return?: unknown; error?: { desc: string } };
    if ('return' in message || 'error' in message) waiting.shift()?.(message);
  });
  return (execute, args = {}) =>
    withDeadline({ layer: 'system', what: `QEMU: ${execute}`, ms: 10_000 }, async () => {
      const { promise, resolve } = Promise.withResolvers<Parameters<(typeof waiting)[0]>[0]>();
      waiting.push(resolve);
      stdin.write(`${JSON.stringify({ execute, arguments: args })}\n`);
      const reply = await promise;
      if (reply.error !== undefined) throw new Error(`QEMU: ${execute}: ${reply.error.desc}`);
      return reply.return;
    });
}
