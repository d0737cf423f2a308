import { OffhookError } from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { printable } from '@offhook/common/printable';
import { connectCti, type CtiClient, type ServiceName } from '../../client/index.ts';
import { services } from '../model/services.ts';
import { invalid } from '../service/office.ts';
import type { Reach } from './reach.ts';

export async function devices(reach: Reach): Promise<void> {
  await connected(reach, async (client) => {
    const list = (await client.query('devices', {})).devices;
    const lines = list.map(({ id, inService, doNotDisturb, agent = [] }) =>
      [
        id.padEnd(20),
        inService ? 'in service' : 'out of service',
        doNotDisturb === true ? 'do not disturb' : '',
        ...agent.map(({ queue, state }) => `${state} in ${queue}`),
      ]
        .filter((word) => word !== '')
        .join('  '),
    );
    say(reach, list, lines);
  });
}

export async function calls(reach: Reach): Promise<void> {
  await connected(reach, async (client) => {
    const list = (await client.query('calls', {})).calls;
    const lines = list.flatMap(({ id, connections }) => [
      id,
      ...connections.map(
        (one) =>
          `  ${(one.device ?? one.party.number ?? '?').padEnd(18)}  ${one.state.padEnd(9)}  ${one.id}`,
      ),
    ]);
    say(reach, list, lines);
  });
}

export async function request(
  reach: Reach,
  service: ServiceName,
  params: Record<string, unknown>,
): Promise<void> {
  const checked = services[service].params.safeParse(params);
  if (!checked.success) throw asUsage(invalid(service, checked.error));
  await connected(reach, async (client) => {
    const result = await client.request(service, checked.data);
    say(
      reach,
      result,
      Object.entries(result).map(([name, value]) => `${name}: ${String(value)}`),
    );
  });
}

/** Prints events until the process is interrupted. */
export async function watch(reach: Reach): Promise<void> {
  const client = await connectCti({ url: reach.url, token: () => reach.token });
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', () => resolve());
  process.once('SIGTERM', () => resolve());
  client.on('event', (entry) => {
    const { type, cause, connection, device } = entry.event;
    const who = connection?.device ?? connection?.party.number ?? device?.id ?? '';
    const line = `${entry.seq} ${type} ${who} (${cause}) ${entry.event.call ?? ''}`;
    say(reach, entry, [line]);
  });
  client.on('state', (now) => {
    if (now.state === 'disconnected') reach.output.err(`offhook-cti: ${printable(now.reason)}\n`);
  });
  await promise;
  client.close();
}

function say({ json, output }: Reach, value: unknown, lines: readonly string[]): void {
  if (json) printJson(output, value);
  else output.out(lines.map((line) => `${printable(line)}\n`).join(''));
}

async function connected(reach: Reach, work: (client: CtiClient) => Promise<void>): Promise<void> {
  const client = await connectCti({ url: reach.url, token: () => reach.token });
  try {
    await work(client);
  } finally {
    client.close();
  }
}

/** What was typed wrong is a matter of usage, and exits as such. */
function asUsage(error: OffhookError): OffhookError {
  return new OffhookError('config', error.code, error.message);
}
