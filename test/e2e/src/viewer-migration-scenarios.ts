import assert from 'node:assert/strict';
import { join } from 'node:path';
import { freePorts } from '@offhook/test-sipp';
import { makeCertificates, SUBJECT } from './certificates.ts';
import { writeDesktopFile } from './desktop-file.ts';
import { audioGoesOn, goesOnAndEnds } from './going-on.ts';
import { aboutToMoveWithViewer, clientsStandAt, controlBack, nothingWasLost } from './moving.ts';
import type { Scenario } from './scenario.ts';
import { TICKET } from './stage.ts';
import { TcpRelay } from './tcp-relay.ts';
import { Viewer } from './viewer.ts';

/** With an unmodified remote-viewer that draws: it and the port go with the desktop through the proxy. */
export const viewerMigrationScenarios: readonly Scenario[] = [
  {
    name: 'a live migration beside remote-viewer, semi-seamless, in the middle of a call',
    modes: ['semi-seamless migration beside a viewer'],
    async run(stage) {
      const { talk, host, since, viewer } = await aboutToMoveWithViewer(stage, { seamless: false });
      await stage.vm.announce(host);
      await clientsStandAt(host, 'viewer');
      await stage.moveTo(host);
      await controlBack(stage, since);
      await viewer.draws();
      await goesOnAndEnds(stage, talk);
    },
  },
  {
    name: 'a live migration beside remote-viewer, seamless, in the middle of a call',
    modes: ['seamless migration beside a viewer'],
    async run(stage) {
      const { talk, host, since, viewer } = await aboutToMoveWithViewer(stage, { seamless: true });
      await stage.vm.announce(host);
      await clientsStandAt(host, 'viewer');
      await stage.moveTo(host);
      await viewer.draws();
      await goesOnAndEnds(stage, talk);
      await nothingWasLost(stage, since);
    },
  },
  {
    name: 'a live migration beside remote-viewer, switch-host, in the middle of a call',
    modes: ['switch-host migration beside a viewer'],
    async run(stage) {
      const { talk, host, since, viewer } = await aboutToMoveWithViewer(stage, { seamless: true });
      const relay = stage.use(TcpRelay.at(await freePorts(1), host.spice.port));
      await stage.vm.announce(host, { port: relay.port });
      await stage.engineLogs('not linked to the host that the desktop moves to', since, 30_000);
      await relay.mend();
      await stage.moveTo(host);
      await controlBack(stage, since);
      await viewer.draws();
      await goesOnAndEnds(stage, talk);
      await stage.stopEngine();
    },
  },
  {
    name: 'a live migration beside remote-viewer fails half-way: all stay where they are',
    modes: ['failed migration beside a viewer'],
    async run(stage) {
      const { talk, host, since, viewer } = await aboutToMoveWithViewer(stage, { seamless: true });
      await stage.vm.announce(host);
      await clientsStandAt(host, 'viewer');
      await stage.vm.beginMove(host, 1_000_000);
      await host.stop();
      await stage.vm.moveFailed();
      await viewer.draws();
      await goesOnAndEnds(stage, talk);
      assert.equal(await stage.engineHasLogged('guest gone', since), false);
    },
  },
  {
    name: 'a live migration beside remote-viewer by TLS, to another TLS port and another CA',
    modes: ['TLS migration beside a viewer'],
    async run(stage) {
      const certificates = await makeCertificates(stage.directory, 'x509-viewer');
      const desktop = () => ({
        tlsPort: stage.vm.spice.tlsPort,
        authorities: [stage.vm.certificates, certificates],
      });
      await stage.standsAt({ seamless: true });
      await stage.startEngine(await writeDesktopFile(join(stage.directory, 'tls.vv'), desktop()));
      const { talk, host, since, viewer } = await aboutToMoveWithViewer(
        stage,
        { seamless: true, certificates },
        () => Viewer.open(stage, desktop()),
      );
      await stage.vm.announce(host, { tlsPort: host.spice.tlsPort, subject: SUBJECT });
      await clientsStandAt(host, 'viewer');
      await stage.moveTo(host);
      await viewer.draws();
      await goesOnAndEnds(stage, talk);
      await nothingWasLost(stage, since);
      await stage.stopEngine();
    },
  },
  {
    name: 'a live migration beside remote-viewer to another ticket: a fresh file brings all back',
    modes: ['migration to another ticket beside a viewer'],
    async run(stage) {
      const { talk, host, since } = await aboutToMoveWithViewer(stage, { seamless: true });
      await host.setTicket('fresh');
      await stage.vm.announce(host);
      await stage.engineLogs('not linked to the host that the desktop moves to', since, 30_000);
      await stage.moveTo(host);
      await stage.engineLogs('not linked to the desktop', since, 30_000);
      await audioGoesOn(talk);
      const viewer = await Viewer.open(stage, { port: host.spice.port, ticket: 'fresh' });
      await viewer.draws();
      await goesOnAndEnds(stage, talk);
      await stage.stopEngine();
      await host.setTicket(TICKET);
    },
  },
];
