import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Asterisk } from '../infra/asterisk.ts';
import { createAuthority, type Authority } from '../infra/certificate.ts';
import { Kamailio } from '../infra/kamailio.ts';
import { Scope } from '../infra/scope.ts';

/** Servers that scenarios share: started by the first one that wants them, stopped at the end. */

const scope = new Scope();
let directory: Promise<string> | undefined;
let authority: Promise<Authority> | undefined;
let asterisk: Promise<Asterisk> | undefined;
let kamailio: Promise<Kamailio> | undefined;

function folder(): Promise<string> {
  directory ??= mkdtemp(join(tmpdir(), 'offhook-peers-')).then((path) => {
    scope.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  });
  return directory;
}

export function sharedAuthority(): Promise<Authority> {
  authority ??= folder().then(createAuthority);
  return authority;
}

export function sharedAsterisk(): Promise<Asterisk> {
  asterisk ??= (async () =>
    scope.use(
      await Asterisk.start({
        directory: await folder(),
        address: '127.0.0.1',
        authority: await sharedAuthority(),
      }),
    ))();
  return asterisk;
}

export function sharedKamailio(): Promise<Kamailio> {
  kamailio ??= (async () =>
    scope.use(await Kamailio.start({ directory: await folder(), address: '127.0.0.1' })))();
  return kamailio;
}

export async function closePeers(): Promise<void> {
  await scope.close();
}
