import { OffhookError } from '@offhook/common';

/** Where a channel leads, as configurations write it. */
export type ChannelAddress =
  | { readonly transport: 'unix'; readonly path: string }
  | { readonly transport: 'tcp' | 'tls'; readonly host: string; readonly port: number };

const FORMS = 'unix:/PATH, tcp:HOST:PORT or tls:HOST:PORT';

/**
 * Reads `unix:/path`, `tcp:HOST:PORT` and `tls:HOST:PORT` (IPv6 in brackets).
 *
 * @throws OffhookError layer `channel`, code `invalid-address`.
 */
export function parseChannelAddress(text: string): ChannelAddress {
  const colon = text.indexOf(':');
  const transport = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (transport === 'unix') {
    if (!rest.startsWith('/') || rest.includes('\0'))
      throw invalid(text, 'the path is not absolute');
    return { transport, path: rest };
  }
  if (transport !== 'tcp' && transport !== 'tls') throw invalid(text, 'unknown kind of channel');
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.%\w]+)\]|(?<name>[^\s:[\]]+)):(?<port>\d{1,5})$/.exec(
    rest,
  );
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined) throw invalid(text, 'no host and port');
  if (port > 65_535) throw invalid(text, 'the port is too large');
  return { transport, host, port };
}

/** The inverse of `parseChannelAddress`. */
export function formatChannelAddress(address: ChannelAddress): string {
  if (address.transport === 'unix') return `unix:${address.path}`;
  return `${address.transport}:${hostPort(address.host, address.port)}`;
}

/** `127.0.0.1:5`, `[::1]:5`. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function invalid(text: string, why: string): OffhookError {
  return new OffhookError('channel', 'invalid-address', `"${text}" is no channel address: ${why}`, {
    remedy: `write ${FORMS}`,
  });
}
