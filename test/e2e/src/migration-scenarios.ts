import assert from 'node:assert/strict';
import { freePorts, until } from '@offhook/test-sipp';
import type { Scenario } from './scenario.ts';
import { TICKET, type Placed, type Stage } from './stage.ts';
import { TcpRelay } from './tcp-relay.ts';
import type { Vm } from './vm.ts';

/**
 * Control has to be back that soon after the switch. An emulated processor begins at the other host
 * without any translated code, so that the phone alone needs a second or two for what takes milliseconds.
 */
const CONTROL_MS = { kvm: 1000, tcg: 5000 } as const;

/** Our client stands at the other host as well. */
async function clientStandsAt(host: Vm): Promise<void> {
  let seen = '';
  await until(
    'the client to stand at the other host',
    async () => {
      const reply = (await host.qmp.execute('query-spice')) as { channels?: readonly unknown[] };
      seen = `it has ${reply.channels?.length ?? 0} channels there`;
      return (reply.channels?.length ?? 0) >= 2;
    },
    { within: 30_000, seen: () => seen },
  );
}

/** After the move: the call is as it was, and phone and engine work on it together. */
async function goesOn(stage: Stage, talk: Placed & { check: () => void }): Promise<void> {
  await stage.vm.phone.engineConnected(60_000);
  await stage.soundBothWays(talk);
  await stage.vm.phone.call('call.dtmf', { call: talk.call, digits: '7' });
  await until('the digit', () => talk.far.capture.digits(101) === '7', { within: 30_000 });
  talk.check();
  assert.equal((await stage.vm.phone.get(talk.call)).state, 'established');
  await stage.hangUp(talk);
}

/** The phone had its engine again that long after the desktop had moved, by the engine's log. */
async function controlBack(stage: Stage, since: number): Promise<void> {
  const moved = await stage.engineLogs('the desktop has moved', since, 30_000);
  const connected = await stage.engineLogs('guest connected', moved.at, 30_000);
  const took = connected.at - moved.at;
  console.log(`       control was back after ${took} ms`);
  assert.ok(took <= CONTROL_MS[stage.accelerator], `control was back only after ${took} ms`);
}

export const migrationScenarios: readonly Scenario[] = [
  {
    name: 'live migration, semi-seamless, in the middle of a call',
    modes: ['semi-seamless migration'],
    async run(stage) {
      await stage.standsAt({ seamless: false });
      const talk = await stage.talking();
      const host = await stage.anotherHost({ seamless: true });
      const since = Date.now();
      await stage.vm.announce(host);
      await clientStandsAt(host);
      await stage.vm.moveTo(host);
      await stage.arriveAt(host);
      await controlBack(stage, since);
      await goesOn(stage, talk);
    },
  },
  {
    name: 'live migration, seamless, in the middle of a call',
    modes: ['seamless migration'],
    async run(stage) {
      await stage.standsAt({ seamless: true });
      const talk = await stage.talking();
      const host = await stage.anotherHost({ seamless: true });
      const since = Date.now();
      await stage.vm.announce(host);
      await clientStandsAt(host);
      await stage.vm.moveTo(host);
      await stage.arriveAt(host);
      const moved = await stage.engineLogs('the desktop has moved', since, 30_000);
      assert.equal(moved.fields['lossless'], true);
      await goesOn(stage, talk);
      // Nothing was lost, so nothing had to be begun anew.
      assert.equal(await stage.engineHasLogged('guest gone', since), false);
    },
  },
  {
    name: 'live migration, switch-host, in the middle of a call',
    modes: ['switch-host migration'],
    async run(stage) {
      await stage.standsAt({ seamless: true });
      const talk = await stage.talking();
      const host = await stage.anotherHost({ seamless: true });
      // The other host cannot be reached while the move is prepared; so the client is only told of it.
      const relay = stage.use(TcpRelay.at(await freePorts(1), host.spice.port));
      const since = Date.now();
      await stage.vm.announce(host, { port: relay.port });
      await stage.engineLogs('not linked to the host that the desktop moves to', since, 30_000);
      await relay.mend();
      await stage.vm.moveTo(host);
      await stage.arriveAt(host);
      await controlBack(stage, since);
      await goesOn(stage, talk);
      // The relay goes with the scenario.
      await stage.stopEngine();
    },
  },
  {
    name: 'a live migration that fails half-way leaves call and engine where they are',
    modes: ['failed migration'],
    async run(stage) {
      await stage.standsAt({ seamless: true });
      const talk = await stage.talking();
      const host = await stage.anotherHost({ seamless: true });
      const since = Date.now();
      await stage.vm.announce(host);
      await clientStandsAt(host);
      await stage.vm.beginMove(host, 1_000_000);
      await host.stop();
      await stage.vm.moveFailed();
      await goesOn(stage, talk);
      assert.equal(await stage.engineHasLogged('guest gone', since), false);
    },
  },
  {
    name: 'live migration to a host with another ticket: the call goes on until a fresh one comes',
    modes: ['migration to another ticket'],
    async run(stage) {
      await stage.standsAt({ seamless: true });
      const talk = await stage.talking();
      const host = await stage.anotherHost({ seamless: true });
      await host.setTicket('fresh');
      const since = Date.now();
      await stage.vm.announce(host);
      await stage.engineLogs('not linked to the host that the desktop moves to', since, 30_000);
      await stage.vm.moveTo(host);
      await stage.arriveAt(host);
      await stage.engineLogs('not linked to the desktop', since, 30_000);
      await talk.far.hears(440, { mark: talk.far.capture.mark, ms: 1000 });
      // An engine with the fresh one; meanwhile the worker plays on.
      await stage.killEngine();
      await stage.startEngine(`spice://127.0.0.1:${host.spice.port}?password=fresh`);
      await goesOn(stage, talk);
      await stage.stopEngine();
      await host.setTicket(TICKET);
    },
  },
];
