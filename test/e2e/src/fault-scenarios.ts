import assert from 'node:assert/strict';
import { join } from 'node:path';
import { freePorts, until } from '@offhook/test-sipp';
import { linkOf } from './processes.ts';
import { writeDesktopFile } from './desktop-file.ts';
import { leaveStaleBytes } from './stale-bytes.ts';
import { audioGoesOn, goesOnAndEnds } from './going-on.ts';
import type { Scenario } from './scenario.ts';
import { TICKET, type Stage } from './stage.ts';
import { TcpRelay } from './tcp-relay.ts';

/** The guest has to notice so soon that nobody at the other end is alive; an emulated one is slower. */
const NOTICED_MS = { kvm: 5000, tcg: 8000 } as const;
/** Control has to be back so soon after the link is. */
const CONTROL_MS = { kvm: 100, tcg: 5000 } as const;

/** Waits until the phone knows that its engine is away; milliseconds since `since`. */
async function noticesLoss(stage: Stage, since: number, within: number): Promise<number> {
  let text = '';
  await until(
    'the phone to notice that its engine is away',
    async () => {
      const { engine } = await stage.vm.phone.call('status', {});
      text = engine.text;
      return engine.state !== 'connected';
    },
    { within, every: 50, seen: () => text },
  );
  return Date.now() - since;
}

async function frozen(stage: Stage, pid: number): Promise<void> {
  const talk = await stage.talking();
  const since = Date.now();
  process.kill(pid, 'SIGSTOP');
  try {
    const noticed = await noticesLoss(stage, since, 20_000);
    console.log(`       noticed after ${noticed} ms`);
    assert.ok(noticed <= NOTICED_MS[stage.accelerator], `noticed only after ${noticed} ms`);
    await audioGoesOn(talk);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await goesOnAndEnds(stage, talk);
}

export const faultScenarios: readonly Scenario[] = [
  {
    name: 'the SPICE connection is cut in the middle of a call, and comes back',
    modes: ['SPICE connection cut'],
    async run(stage) {
      const relay = stage.use(TcpRelay.at(await freePorts(1), stage.vm.spice.port));
      await relay.mend();
      await stage.startEngine(`spice://127.0.0.1:${relay.port}?password=${TICKET}`);
      await stage.linked();
      const talk = await stage.talking();
      const since = Date.now();
      await relay.cut();
      await noticesLoss(stage, since, 30_000);
      await audioGoesOn(talk);
      const mended = Date.now();
      await relay.mend();
      const linked = await stage.engineLogs('linked to the desktop', mended, 10_000);
      const connected = await stage.engineLogs('guest connected', linked.at, 10_000);
      const took = connected.at - linked.at;
      console.log(`       control was back ${took} ms after the link`);
      assert.ok(took <= CONTROL_MS[stage.accelerator], `control was back only after ${took} ms`);
      await goesOnAndEnds(stage, talk);
      await stage.stopEngine();
    },
  },
  {
    name: 'the process of the SPICE link is frozen in the middle of a call',
    modes: ['frozen link'],
    async run(stage) {
      await stage.linked();
      await frozen(stage, await linkOf(stage.engine.stateDir));
    },
  },
  {
    name: 'the process of the SPICE link is killed in the middle of a call, and another one starts',
    modes: ['killed link'],
    async run(stage) {
      await stage.linked();
      const talk = await stage.talking();
      const since = Date.now();
      process.kill(await linkOf(stage.engine.stateDir), 'SIGKILL');
      const linked = await stage.engineLogs('linked to the desktop', since, 30_000);
      const connected = await stage.engineLogs('guest connected', linked.at, 30_000);
      console.log(`       control was back ${connected.at - since} ms after the kill`);
      await audioGoesOn(talk);
      await goesOnAndEnds(stage, talk);
    },
  },
  {
    name: 'the engine is frozen in the middle of a call',
    modes: ['frozen engine'],
    async run(stage) {
      await stage.linked();
      await frozen(stage, stage.engine.process.pid);
    },
  },
  {
    name: 'the guest is paused in the middle of a call',
    modes: ['paused guest'],
    async run(stage) {
      await stage.linked();
      const talk = await stage.talking();
      const since = Date.now();
      await stage.vm.pause();
      try {
        await stage.engineLogs('guest gone', since, 40_000);
        await audioGoesOn(talk);
      } finally {
        await stage.vm.resume();
      }
      await goesOnAndEnds(stage, talk);
    },
  },
  {
    name: 'the daemon in the guest is killed in the middle of a call, and the next one goes on with it',
    modes: ['killed daemon'],
    async run(stage) {
      await stage.linked();
      const talk = await stage.talking();
      await stage.vm.killDaemon();
      await audioGoesOn(talk);
      await stage.vm.phone.engineConnected(60_000);
      const [call] = await stage.vm.phone.calls();
      assert.ok(call, 'the call is gone');
      await stage.vm.phone.becomes(call.id, 'established', 40_000);
      await goesOnAndEnds(stage, { ...talk, call: call.id });
    },
  },
  {
    name: 'TLS with the host’s subject of the desktop file, and not with another',
    modes: ['TLS SPICE'],
    async run(stage) {
      const since = Date.now();
      const desktop = (subject?: string) =>
        writeDesktopFile(join(stage.directory, 'desktop.vv'), {
          tlsPort: stage.vm.spice.tlsPort,
          authorities: [stage.vm.certificates],
          ...(subject === undefined ? {} : { subject }),
        });
      await stage.startEngine(await desktop('CN=another'));
      const { fields } = await stage.engineLogs('not linked to the desktop', since, 30_000);
      assert.match(String(fields['reason']), /not for the subject CN=another/);
      await stage.startEngine(await desktop());
      await stage.linked();
      const talk = await stage.talking();
      await stage.hangUp(talk);
      await stage.stopEngine();
    },
  },
  {
    name: 'bytes that another client has left in the port are thrown away',
    modes: ['stale bytes'],
    async run(stage) {
      await stage.linked();
      await stage.stopEngine();
      await leaveStaleBytes(stage.vm.spice.port);
      await stage.linked();
      await stage.hangUp(await stage.talking());
    },
  },
  {
    name: 'a second engine takes the desktop over; the first says so, and waits',
    modes: ['two engines'],
    async run(stage) {
      await stage.linked();
      const since = Date.now();
      const second = await stage.secondEngine();
      const { fields } = await stage.engineLogs('not linked to the desktop', since, 30_000);
      assert.match(String(fields['reason']), /another client/);
      await stage.vm.phone.engineConnected(60_000);
      await second.stop();
      await stage.vm.phone.engineConnected(60_000);
      await stage.hangUp(await stage.talking());
    },
  },
];
