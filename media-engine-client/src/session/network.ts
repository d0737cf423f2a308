import { BlockList, isIP } from 'node:net';

/** An address or a CIDR network, RFC 4632 and RFC 4291 §2.3. */
export interface Network {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefix: number;
}

export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || rest.length > 0 || address.includes('%')) return undefined;
  const bits = family === 4 ? 32 : 128;
  if (length === undefined) return { family, address, prefix: bits };
  const prefix = Number(length);
  if (!/^\d{1,3}$/u.test(length) || prefix > bits) return undefined;
  return { family, address, prefix };
}

/** A set of networks, made once and asked often. */
export class NetworkSet {
  readonly #list = new BlockList();
  readonly empty: boolean;

  /** @throws RangeError for a text that `parseNetwork` does not take: the configuration checked them. */
  constructor(networks: readonly string[]) {
    this.empty = networks.length === 0;
    for (const text of networks) {
      const network = parseNetwork(text);
      if (network === undefined) throw new RangeError(`not a network: ${text}`);
      this.#list.addSubnet(network.address, network.prefix, network.family === 4 ? 'ipv4' : 'ipv6');
    }
  }

  has(address: string): boolean {
    return this.#list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
}
