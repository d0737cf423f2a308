import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDeadline } from '@offhook/common';
import type { Channel } from '../../src/channel.ts';

/** A queue of what happened, to be awaited in order. */
export function queue<T>() {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    push: (item: T): void => {
      const taker = waiting.shift();
      if (taker === undefined) items.push(item);
      else taker(item);
    },
    next: (what: string): Promise<T> =>
      withDeadline({ layer: 'system', what, ms: 10_000 }, () => {
        const item = items.shift();
        if (item !== undefined) return Promise.resolve(item);
        return new Promise<T>((resolve) => waiting.push(resolve));
      }),
  };
}

/** A QEMU monitor at the other end greets whoever opens the port, and answers commands. */
export async function talkToMonitor(channel: Channel): Promise<string> {
  const next = linesOf(channel);
  await next('the greeting of the monitor');
  channel.write(NEGOTIATE);
  return next('the answer of the monitor');
}

/** The same with a monitor that may have greeted before. */
export async function askMonitor(channel: Channel): Promise<string> {
  const next = linesOf(channel);
  channel.write(NEGOTIATE);
  for (;;) {
    const line = await next('the answer of the monitor');
    if (!line.startsWith('{"QMP"')) return line;
  }
}

const NEGOTIATE = Buffer.from('{"execute":"qmp_capabilities"}\n');

function linesOf(channel: Channel): (what: string) => Promise<string> {
  const lines = queue<string>();
  let text = '';
  channel.on('data', (chunk) => {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      lines.push(text.slice(0, end));
      text = text.slice(end + 1);
    }
  });
  return lines.next;
}

/** What QEMU wants in its x509 directory: a CA, and a server certificate for one subject. */
export function makeX509Directory(): { dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-spice-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  const files = (name: string) => ['-keyout', `${name}-key.pem`, '-out'];
  openssl('req', '-x509', ...key, ...files('ca'), 'ca-cert.pem', '-subj', '/CN=Test CA');
  const subject = '/O=Offhook test/CN=the host';
  openssl('req', ...key, ...files('server'), 'server.csr', '-subj', subject);
  const signing = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial'];
  openssl('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'server-cert.pem');
  return { dir, remove: () => rmSync(dir, { recursive: true }) };
}
