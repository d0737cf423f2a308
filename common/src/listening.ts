import { readFileSync } from 'node:fs';

const LISTEN = '0A';

/** Whether some process of this network namespace holds that port, as the kernel tells. */
export function isBound(transport: 'udp' | 'tcp', port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return [transport, `${transport}6`].some((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .some((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/);
        return local.endsWith(`:${hex}`) && (transport === 'udp' || state === LISTEN);
      }),
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
