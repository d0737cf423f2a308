import type { SpiceSource } from '../source.ts';
import type { ViewerEntrance } from './spice-proxy.ts';

/** What is the desktop's, and is the proxy's instead for a viewer that goes through it. */
const REPLACED: readonly string[] = [
  'host',
  'port',
  'tls-port',
  'password',
  'ca',
  'host-subject',
  'secure-channels',
  'tls-ciphers',
  'proxy',
  'delete-this-file',
];

const GROUP = '[virt-viewer]';

/**
 * A `.vv` file that leads to the proxy. Of the original, everything else stays: title, full screen,
 * keys, the menu of oVirt. It asks to be removed once read, because its ticket is only good here.
 */
export function desktopFileFor(entrance: ViewerEntrance, original?: string): string {
  const { host, port, tls, ticket } = entrance;
  const ours = [
    `host=${host}`,
    ...(tls === undefined
      ? [`port=${port}`]
      : [`tls-port=${tls.port}`, `ca=${escape(tls.ca)}`, `host-subject=${tls.hostSubject}`]),
    `password=${ticket}`,
    'delete-this-file=1',
  ];
  if (original === undefined) return [GROUP, 'type=spice', ...ours, ''].join('\n');
  let inGroup = false;
  const lines = original.split(/\r?\n/u).flatMap((line) => {
    const trimmed = line.trim();
    if (trimmed.startsWith('[')) inGroup = trimmed === GROUP;
    if (trimmed === GROUP) return [line, ...ours];
    const key = trimmed.slice(0, Math.max(0, trimmed.indexOf('='))).trim();
    return inGroup && REPLACED.includes(key) ? [] : [line];
  });
  return lines.join('\n');
}

/**
 * Names the desktop whatever the ticket: two files for it, minutes apart, give the same. Proxmox puts
 * the time and a signature into the host name (`pvespiceproxy:TIME:VMID:NODE::SIGNATURE`).
 */
export function desktopName({ host, port, tlsPort }: SpiceSource): string {
  const [kind, , vmid, node] = host.split(':');
  if (kind === 'pvespiceproxy' && vmid !== undefined && node !== undefined) {
    return `spice://${vmid}.${node}.pve`;
  }
  const name = host.includes(':') ? `[${host}]` : host;
  return `spice://${name}:${tlsPort ?? port ?? 0}`;
}

/** As a GKeyFile has it. */
function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
