import { join } from 'node:path';
import { connectControl } from '@offhook/common';
import { until } from '@offhook/test-sipp';

interface Status {
  readonly desktops: readonly { readonly pid: number }[];
}

/** The process of the SPICE link of the engine with that state, as the engine says. */
export async function linkOf(stateDir: string): Promise<number> {
  const control = await connectControl(join(stateDir, 'control.sock'), { timeoutMs: 5000 });
  try {
    let status: Status = { desktops: [] };
    await until(
      'the engine to have one link',
      async () => {
        status = (await control.call('status')) as Status;
        return status.desktops.length === 1;
      },
      { within: 10_000, every: 100, seen: () => JSON.stringify(status.desktops) },
    );
    const [link] = status.desktops;
    if (link === undefined) throw new Error('there is no link');
    return link.pid;
  } finally {
    await control.close();
  }
}
