import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { OffhookError, withDeadline, type ControlClient } from '@offhook/common';
import { serveSwitch, type SimEvent, type SimSwitch } from '@offhook/cti-bridge/simulator';
import { controlMethods } from '@offhook/softphone-guest';
import type { DeskConfig } from '../scene/configs.ts';
import type { Stage } from '../scene/scene.ts';

/** Numbers of the simulated switch, beside the desk phone's own. */
export const FAR_ENDS = ['bob', 'carol', 'busy', 'nobody', 'callme'] as const;

const DESK = 'alice';
/** People need a moment. */
const THINKING_MS = 1000;
const CONNECTED_WITHIN_MS = 10_000;

/** A desk phone at a simulated switch, and the CTI bridge before it. */
export async function openDesk(stage: Stage): Promise<{ config: DeskConfig; switch: SimSwitch }> {
  const phones = [DESK, ...FAR_ENDS];
  const timers = new Set<NodeJS.Timeout>();
  const later = (work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, THINKING_MS);
    timers.add(timer);
  };
  const served = await serveSwitch(phones, (event) => farEnd(served.switch, event, later));
  stage.add('the simulated switch', () => {
    for (const timer of timers) clearTimeout(timer);
    return served.close();
  });
  const config = await stage.startBridge(
    { port: await freePort(), switchPort: served.port, devices: phones },
    randomBytes(16).toString('hex'),
  );
  return { config, switch: served.switch };
}

/** What those do that are called. */
function farEnd(sim: SimSwitch, event: SimEvent, later: (work: () => void) => void): void {
  if (event.name !== 'DeliveredEvent') return;
  const { connection } = event.content;
  const { deviceID: name = '', callID = '' } = connection as Record<string, string>;
  const leg = () => sim.leg(callID, name);
  const hangUp = () => {
    const ringing = leg();
    if (ringing !== undefined) sim.clear(ringing);
  };
  if (name === 'bob' || name === 'carol') {
    later(() => {
      const ringing = leg();
      if (ringing?.now === 'alerting') sim.answer(ringing);
    });
  } else if (name === 'busy') later(hangUp);
  else if (name === 'callme') {
    later(() => {
      hangUp();
      later(() => sim.phones['callme']?.dial(DESK));
    });
  }
}

/** Waits until the phone can be worked, and has it used. */
export async function useDesk(control: ControlClient, outer: AbortSignal): Promise<string> {
  const { result } = controlMethods['mode.get'];
  const options = {
    layer: 'cti',
    what: 'the desk phone',
    ms: CONNECTED_WITHIN_MS,
    signal: outer,
  } as const;
  return withDeadline(options, async (signal) => {
    let changed = Promise.withResolvers<void>();
    const stop = control.on('mode.changed', () => changed.resolve());
    await control.subscribe(['mode.changed'], { signal });
    try {
      for (;;) {
        const { desk } = await control.call('mode.get', {}, { result, signal });
        if (desk === null) throw new OffhookError('config', 'no-desk-phone', 'there is none');
        if (desk.state === 'connected') break;
        await changed.promise;
        changed = Promise.withResolvers();
      }
      const { desk } = await control.call('mode.set', { mode: 'desk' }, { result, signal });
      return desk?.text ?? '';
    } finally {
      stop();
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
