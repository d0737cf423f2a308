import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { EngineConfig } from '../config.ts';
import { kernelAddressFinder } from '../local-address.ts';
import { fail, ok, warn, type CheckFinding } from './check.ts';

/** More pairs than this need not be tried to know that there is room. */
const PAIRS_TRIED = 32;

export async function checkAddress({ address }: EngineConfig['rtp']): Promise<CheckFinding> {
  if (address !== 'auto') {
    const local = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map((one) => one.address);
    return local.includes(address) || isLoopback(address)
      ? ok(`RTP uses ${address}`)
      : fail(`${address} is no address of this machine`, 'correct rtp.address, or write "auto"');
  }
  const found = await kernelAddressFinder.towards(undefined);
  return isLoopback(found)
    ? warn('there is no route out: only calls on this machine have sound', 'connect the network')
    : ok(`RTP uses ${found}, or whichever address a peer is reached from`);
}

/** Whether pairs of ports can be bound; a running engine holds those of its calls. */
export async function checkPorts({ address, ports }: EngineConfig['rtp']): Promise<CheckFinding> {
  const host = address === 'auto' ? '0.0.0.0' : address;
  let tried = 0;
  let free = 0;
  for (let port = ports.from + (ports.from % 2); port < ports.to; port += 2) {
    if (tried === PAIRS_TRIED) break;
    tried++;
    if ((await canBind(host, port)) && (await canBind(host, port + 1))) free++;
  }
  const range = `${ports.from}-${ports.to}`;
  if (free === 0) {
    return fail(`none of the UDP ports ${range} is free`, 'choose another range for rtp.ports');
  }
  const seen = `${free} of ${tried} pairs tried in ${range} are free`;
  return free < tried / 2 ? warn(seen, 'see with ss -lun who uses them') : ok(seen);
}

async function canBind(address: string, port: number): Promise<boolean> {
  const socket = createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4' });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('error', () => resolve(false));
  socket.bind({ address, port, exclusive: true }, () => resolve(true));
  const bound = await promise;
  socket.close();
  return bound;
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
