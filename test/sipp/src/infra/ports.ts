import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Below the kernel's ephemeral range, so that no client socket takes a port meanwhile. */
const FROM = 20_000;
const TO = 31_900;
const taken = new Set<number>();
let next = FROM + 10 * Math.floor(Math.random() * ((TO - FROM) / 10));

/**
 * `count` consecutive ports, the first one even, that nothing on this machine uses at the moment,
 * over UDP or TCP, IPv4 or IPv6; never handed out twice in one run.
 */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const first = next;
    next += count + (count % 2);
    if (next > TO) next = FROM;
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.some((port) => taken.has(port))) continue;
    const free = await Promise.all(ports.map(isFree));
    if (!free.every(Boolean)) continue;
    for (const port of ports) taken.add(port);
    return first;
  }
  throw new Error(`no ${count} free ports between ${FROM} and ${TO}`);
}

export function freePort(): Promise<number> {
  return freePorts(1);
}

/** Gives ports back for a later scenario. */
export function releasePorts(first: number, count: number): void {
  for (let port = first; port < first + count; port++) taken.delete(port);
}

async function isFree(port: number): Promise<boolean> {
  const hosts = ['0.0.0.0', '::'];
  const checks = hosts.flatMap((host) => [udpFree(host, port), tcpFree(host, port)]);
  return (await Promise.all(checks)).every(Boolean);
}

function udpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: host === '::' ? 'udp6' : 'udp4', ipv6Only: host === '::' });
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function tcpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true, ipv6Only: host === '::' }, () =>
      server.close(() => resolve(true)),
    );
  });
}
