import { isIP } from 'node:net';
import type { ListenAddress } from '@offhook/signaling';
import { z } from 'zod';

export const sipUri = z
  .string()
  .max(512)
  .regex(/^sips?:[^\s<>"\p{Cc}]+$/iu, 'must be a SIP URI such as sip:alice@example.com');

const listenAddress = z
  .string()
  .transform((text, context): ListenAddress => {
    const parsed = parseListenAddress(text);
    if (parsed !== undefined) return parsed;
    context.addIssue('must be TRANSPORT:ADDRESS:PORT, such as udp:0.0.0.0:5060 or tls:[::]:5061');
    return z.NEVER;
  })
  .describe('`udp:`, `tcp:` or `tls:`, a numeric address (IPv6 in brackets) and a port (0: any)');

/** `udp:127.0.0.1:5080`, `tcp:[::1]:5080`; undefined when it is neither. */
function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(udp|tcp|tls):(?:\[([0-9a-f:.%a-z]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const transport = match[1]?.toLowerCase();
  const address = match[2] ?? match[3] ?? '';
  const port = Number(match[4]);
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined;
  if (isIP(address) !== (match[2] === undefined ? 4 : 6) || port > 65_535) return undefined;
  return { transport, address, port };
}

const nameServer = z.string().refine(
  (text) => {
    if (isIP(text) !== 0) return true;
    const [, six, four, port = ''] = /^(?:\[(.+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
    const known = six === undefined ? isIP(four ?? '') === 4 : isIP(six) === 6;
    return known && Number(port) > 0 && Number(port) < 65_536;
  },
  { message: 'must be a numeric address, with or without a port' },
);

/** `[sip]`. */
export const sip = z
  .object({
    listen: z
      .array(listenAddress)
      .min(1, 'name at least one address')
      .prefault(['udp:0.0.0.0:5060', 'tcp:0.0.0.0:5060'])
      .describe('Where the phone takes SIP'),
    outbound_proxy: sipUri.optional().describe('Every request outside a dialog goes through it'),
    name_servers: z
      .array(nameServer)
      .min(1)
      .max(8)
      .optional()
      .describe(
        'Name servers to ask for NAPTR, SRV and addresses, in order, instead of those of the system: `192.0.2.53`, `[2001:db8::53]:5353`. For a PBX in a network of its own (VPN)',
      ),
    user_agent: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
      .optional()
      .describe('The `User-Agent` and `Server` header'),
    tls: z
      .object({
        ca: z
          .string()
          .optional()
          .describe('File of PEM certificates to trust; the system’s if absent'),
        cert: z.string().optional().describe('File with our PEM certificate'),
        key: z.string().optional().describe('File with its PEM private key'),
        verify: z.boolean().default(true).describe('Whether the peer’s certificate is verified'),
      })
      .refine((tls) => (tls.cert === undefined) === (tls.key === undefined), {
        message: 'cert and key go together',
      })
      .optional()
      .describe('Certificates for `tls:` addresses and TLS registrars'),
  })
  .prefault({})
  .describe('Signaling');
