import type { ListenAddress } from '@offhook/signaling';
import { describeListen } from '../control/info.ts';
import type { CheckInfo } from '../control/schemas.ts';
import { fail, ok, warn } from './check.ts';

/** Whether the ports are free for a daemon that does not run, without taking them. */
export function listenChecks(
  listen: readonly ListenAddress[],
  isBound: (transport: 'udp' | 'tcp', port: number) => boolean,
): readonly CheckInfo[] {
  return listen.map((at) => {
    const name = describeListen(at);
    const transport = at.transport === 'udp' ? 'udp' : 'tcp';
    if (at.port === 0 || !isBound(transport, at.port)) return ok('sip', `${name} is free`);
    // It may be at another address of this machine, which leaves ours free.
    const verdict = ANY.includes(at.address) ? fail : warn;
    const who = `\`ss -lp${transport[0]} sport = :${at.port}\` names it`;
    const remedy = `end it (${who}), or choose another port in \`listen\` of [sip]`;
    return verdict('sip', `another program has the port of ${name}`, remedy);
  });
}

const ANY: readonly string[] = ['0.0.0.0', '::'];
