import type { SipPath } from '@offhook/signaling';
import type { CheckInfo } from '../control/schemas.ts';
import { ok, warn } from './check.ts';

/**
 * Pure: whether calls find their way to us, from what the registrar says of our request (RFC 3581).
 * `registers`: the line is registered, so that its Contact has been put right by now (RFC 3261 §10).
 */
export function reachCheck(name: string, path: SipPath, registers: boolean): CheckInfo {
  const { local, seenAs, behindNat, contact, transport } = path;
  const ours = `${transport} ${endpoint(local)}`;
  if (seenAs === undefined) {
    return ok('nat', `${name} does not say where it sees us; calls are to come to ${ours}`);
  }
  if (!behindNat) return ok('nat', `${name} sees us where we are, at ${ours}`);
  const seen = endpoint(seenAs);
  const behind = `we are behind a NAT: ${name} sees ${seen} for ${ours}`;
  if (transport !== 'udp') {
    return ok('nat', `${behind}; calls come over the connection, which is kept up`);
  }
  if (!registers) return ok('nat', `${behind}; a line that registers says so in its Contact`);
  return contact.includes(seen)
    ? ok('nat', `${behind}; its Contact says so, and the NAT is kept open`)
    : warn(
        'nat',
        `${behind}, another port each time, so calls may not come in`,
        'register over TCP or TLS (;transport=tcp), or have the NAT keep ports',
      );
}

function endpoint({ address, port }: { address: string; port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
