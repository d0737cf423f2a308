import { OffhookError } from '@offhook/common';
import type { Fields } from '../layout.ts';
import type { mainFromServer } from '../messages.ts';
import type { SpiceSource } from '../source.ts';

export type DestinationInfo = Fields<(typeof mainFromServer.migrateBegin)['body']>;

/** QEMU writes a port that was not given as -1. */
const NO_PORT = 0xffff;

/**
 * Where the desktop goes, as the source tells it: host, ports and certificate subject are its own, the
 * ticket and the CA those we have (a bundle of several CAs is as good as one). A connection that is
 * encrypted does not move to one that is not.
 *
 * @throws OffhookError `channel/spice-malformed`, `channel/spice-insecure-destination`.
 */
export function readDestination(
  destination: DestinationInfo,
  source: SpiceSource,
  secure: boolean,
): SpiceSource {
  const host = text(destination.host);
  const [port, tlsPort] = [portOf(destination.port), portOf(destination.securePort)];
  if (host === '' || (port === undefined && tlsPort === undefined)) {
    throw new OffhookError(
      'channel',
      'spice-malformed',
      'the SPICE server names no address that the desktop moves to',
    );
  }
  if (secure && tlsPort === undefined) {
    throw new OffhookError(
      'channel',
      'spice-insecure-destination',
      `the desktop moves to ${host}, which offers no TLS`,
      { remedy: 'give the destination a TLS port' },
    );
  }
  const subject = text(destination.certSubject);
  return {
    host,
    port: secure ? undefined : port,
    tlsPort,
    password: source.password,
    ca: source.ca,
    hostSubject: subject === '' ? undefined : subject,
    secureChannels: source.secureChannels,
    proxy: source.proxy,
  };
}

function portOf(port: number): number | undefined {
  return port === 0 || port === NO_PORT ? undefined : port;
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
