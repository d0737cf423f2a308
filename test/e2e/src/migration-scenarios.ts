import assert from 'node:assert/strict';
import { join } from 'node:path';
import { freePorts } from '@offhook/test-sipp';
import { makeCertificates, SUBJECT } from './certificates.ts';
import { writeDesktopFile } from './desktop-file.ts';
import { audioGoesOn, goesOnAndEnds } from './going-on.ts';
import { aboutToMove, clientsStandAt, controlBack, nothingWasLost } from './moving.ts';
import type { Scenario } from './scenario.ts';
import { TICKET } from './stage.ts';
import { TcpRelay } from './tcp-relay.ts';

/** Without a viewer: the engine's own client goes with the desktop. */
export const migrationScenarios: readonly Scenario[] = [
  {
    name: 'live migration, semi-seamless, in the middle of a call',
    modes: ['semi-seamless migration'],
    async run(stage) {
      const { talk, host, since } = await aboutToMove(stage, { seamless: false });
      await stage.vm.announce(host);
      await clientsStandAt(host, 'headless');
      await stage.moveTo(host);
      await controlBack(stage, since);
      await goesOnAndEnds(stage, talk);
    },
  },
  {
    name: 'live migration, seamless, in the middle of a call',
    modes: ['seamless migration'],
    async run(stage) {
      const { talk, host, since } = await aboutToMove(stage, { seamless: true });
      await stage.vm.announce(host);
      await clientsStandAt(host, 'headless');
      await stage.moveTo(host);
      await goesOnAndEnds(stage, talk);
      await nothingWasLost(stage, since);
    },
  },
  {
    name: 'live migration, switch-host, in the middle of a call',
    modes: ['switch-host migration'],
    async run(stage) {
      const { talk, host, since } = await aboutToMove(stage, { seamless: true });
      // The other host cannot be reached while the move is prepared; so the client is only told of it.
      const relay = stage.use(TcpRelay.at(await freePorts(1), host.spice.port));
      await stage.vm.announce(host, { port: relay.port });
      await stage.engineLogs('not linked to the host that the desktop moves to', since, 30_000);
      await relay.mend();
      await stage.moveTo(host);
      await controlBack(stage, since);
      await goesOnAndEnds(stage, talk);
      // The relay goes with the scenario.
      await stage.stopEngine();
    },
  },
  {
    name: 'a live migration that fails half-way leaves call and engine where they are',
    modes: ['failed migration'],
    async run(stage) {
      const { talk, host, since } = await aboutToMove(stage, { seamless: true });
      await stage.vm.announce(host);
      await clientsStandAt(host, 'headless');
      await stage.vm.beginMove(host, 1_000_000);
      await host.stop();
      await stage.vm.moveFailed();
      await goesOnAndEnds(stage, talk);
      assert.equal(await stage.engineHasLogged('guest gone', since), false);
    },
  },
  {
    name: 'live migration by TLS to a host with another TLS port and another CA',
    modes: ['TLS migration'],
    async run(stage) {
      const certificates = await makeCertificates(stage.directory, 'x509-other');
      await stage.standsAt({ seamless: true });
      await stage.startEngine(
        await writeDesktopFile(join(stage.directory, 'tls.vv'), {
          tlsPort: stage.vm.spice.tlsPort,
          authorities: [stage.vm.certificates, certificates],
        }),
      );
      const { talk, host, since } = await aboutToMove(stage, { seamless: true, certificates });
      await stage.vm.announce(host, { tlsPort: host.spice.tlsPort, subject: SUBJECT });
      await clientsStandAt(host, 'headless');
      await stage.moveTo(host);
      await goesOnAndEnds(stage, talk);
      await nothingWasLost(stage, since);
      await stage.stopEngine();
    },
  },
  {
    name: 'live migration to a host with another ticket: the call goes on until a fresh one comes',
    modes: ['migration to another ticket'],
    async run(stage) {
      const { talk, host, since } = await aboutToMove(stage, { seamless: true });
      await host.setTicket('fresh');
      await stage.vm.announce(host);
      await stage.engineLogs('not linked to the host that the desktop moves to', since, 30_000);
      await stage.moveTo(host);
      await stage.engineLogs('not linked to the desktop', since, 30_000);
      await audioGoesOn(talk);
      // An engine with the fresh one; meanwhile the worker plays on.
      await stage.killEngine();
      await stage.startEngine(`spice://127.0.0.1:${host.spice.port}?password=fresh`);
      await goesOnAndEnds(stage, talk);
      await stage.stopEngine();
      await host.setTicket(TICKET);
    },
  },
];
