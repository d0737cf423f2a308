import { randomBytes } from 'node:crypto';
import { isOffhookError } from '@offhook/common';
import type { ListenAddress, UserAgent, UserAgentOptions } from '@offhook/signaling';
import { z } from 'zod';
import type { Journal } from './journal.ts';

/** What has to be the same in each life of a phone, so that peers know it again. */

const SECRET_BYTES = 32;

/** What transactions are named with. It is no key: it hides from strangers what they could guess. */
export function secretOf(journal: Journal): Uint8Array {
  const known = Buffer.from(journal.meta('secret') ?? '', 'hex');
  if (known.length === SECRET_BYTES) return known;
  const made = randomBytes(SECRET_BYTES);
  journal.setMeta('secret', made.toString('hex'));
  return made;
}

const ports = z.array(z.int().min(0).max(65_535)).max(64);

/**
 * Binds what the configuration says; where the choice of a port is left to the system, the port of
 * the last life if that is still free: peers of calls send their requests there.
 */
export async function bindAgain(
  parts: {
    readonly createUserAgent: (options: UserAgentOptions) => Promise<UserAgent>;
    readonly journal?: Journal;
  },
  options: UserAgentOptions,
): Promise<UserAgent> {
  const { createUserAgent, journal } = parts;
  const listen = lastPorts(options.listen, journal);
  let userAgent: UserAgent;
  try {
    userAgent = await createUserAgent({ ...options, listen });
  } catch (error) {
    const asked = listen.every(({ port }, index) => port === options.listen[index]?.port);
    if (asked || !isOffhookError(error)) throw error;
    userAgent = await createUserAgent(options);
  }
  journal?.setMeta('ports', JSON.stringify(userAgent.listening.map(({ port }) => port)));
  return userAgent;
}

function lastPorts(
  listen: readonly ListenAddress[],
  journal: Journal | undefined,
): readonly ListenAddress[] {
  let last: readonly number[] = [];
  try {
    last = ports.parse(JSON.parse(journal?.meta('ports') ?? '[]'));
  } catch {
    // Of another release, or spoilt: the system chooses.
  }
  if (last.length !== listen.length) return listen;
  return listen.map((at, index) => (at.port === 0 ? { ...at, port: last[index] ?? 0 } : at));
}
